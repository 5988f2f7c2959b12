"""Notices are shown as they were meant, or it is said why not."""

import socket
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import Notice, Shown, decode, encode
from vedette_sensor import notices
from vedette_transport import read_lines

from tests.desktop import PATIENCE

from .conftest import Session

NOTICE = Notice(id=UUID(int=7), title="--urgency=low", text="<b>Tom & Jerry</b>\n\\074i>\x1b[2J")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def notify_send(folder: Path, script: str) -> None:
    program = folder / "notify-send"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_text_is_neither_an_option_nor_markup_nor_an_escape(folder: Path) -> None:
    notify_send(folder, f'printf "%s\\n" "$@" >{folder}/arguments')
    assert notices.show(NOTICE) is None
    options, title, text = (folder / "arguments").read_text().rsplit("\n", 3)[:3]
    assert options.endswith("\n--")
    assert title == "--urgency=low"
    assert text == "&lt;b&gt;Tom &amp; Jerry&lt;/b&gt; \\\\074i&gt; [2J"


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_upsets_a_command_line_or_its_markup(text: str) -> None:
    for shown in (notices.body(text), notices.summary(text)):
        assert shown.isprintable()
        shown.encode()
    assert not set("<>") & set(notices.body(text))


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'no bus' >&2; exit 1", "notify-send failed: no bus"),
        ("exit 3", "notify-send failed: exit code 3"),
        ("exec /bin/sleep 60", "notify-send did not end within 0 s"),
        ("/usr/bin/head -c 100000 /dev/zero >&2; exit 1", "notify-send failed: exit code 1"),
    ],
)
def test_what_went_wrong_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, problem: str
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 0.2)
    notify_send(folder, script)
    assert notices.show(NOTICE) == problem


@pytest.mark.usefixtures("folder")
def test_a_system_without_notify_send_is_said() -> None:
    assert notices.show(NOTICE) == "notify-send is not installed"


@pytest.mark.system
def test_a_session_shows_what_the_enforcer_wants_shown_and_answers(
    tmp_path: Path, no_display: dict[str, str]
) -> None:
    (tmp_path / "bin").mkdir()
    notify_send(tmp_path / "bin", f'echo "$3" >>{tmp_path}/shown')
    environment = {**no_display, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    with (
        Session(tmp_path, environment, window="off", clipboard="off") as session,
        socket.socket(socket.AF_UNIX) as enforcer,
    ):
        enforcer.settimeout(PATIENCE)
        enforcer.bind(str(tmp_path / "enforcer.sock"))
        enforcer.listen()
        for title in ("first", "after a restart"):
            connection, _ = enforcer.accept()
            with connection:
                connection.settimeout(PATIENCE)
                notice = Notice(id=UUID(int=8), title=title, text="")
                connection.sendall(encode(notice) + b"\n")
                assert decode(Shown, next(read_lines(connection))) == Shown(id=notice.id)
        assert (tmp_path / "shown").read_text() == "first\nafter a restart\n"
        assert "enforcer" not in session.log.read_text()
