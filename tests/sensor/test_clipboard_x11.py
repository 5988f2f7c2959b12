"""The clipboard on a real X server, with owners that misbehave."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop import Desktop

from .conftest import Session, Taker

pytestmark = pytest.mark.desktop


@pytest.fixture
def watched(desktop: Desktop, taker: Taker, tmp_path: Path) -> Iterator[Taker]:
    with Session(tmp_path, desktop.environment, window="off"):
        taker.source("clipboard", "on: x11 events")
        yield taker


def copy(desktop: Desktop, text: bytes, *options: str) -> None:
    subprocess.run(
        ["xclip", "-selection", "clipboard", *options],
        input=text,
        env=desktop.environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_copied_text_is_seen(desktop: Desktop, watched: Taker) -> None:
    copy(desktop, "über\n四".encode())
    seen = watched.copied()
    assert (seen.text, seen.length) == ("über\n四", 9)


def test_ten_megabytes_are_seen_as_their_beginning_and_their_length(desktop: Desktop, watched: Taker) -> None:
    text = b"0123456789" * 1_000_000
    copy(desktop, text)
    seen = watched.copied()
    assert seen.text == text[:16_384].decode()
    assert seen.length == len(text)
