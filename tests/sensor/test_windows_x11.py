"""Windows on a real X server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_transport import identify

from tests.desktop import Desktop

from .conftest import Session, Taker

pytestmark = pytest.mark.desktop


def test_a_window_that_comes_to_the_front_is_seen_with_its_process(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("Payroll") as window:
        seen = taker.title("Payroll")
        assert seen.process == identify(window.pid)
        assert seen.pid_from == "server"
        assert seen.os == "linux"
        assert seen.uid is None
        assert timedelta(0) <= datetime.now(UTC) - seen.seen_at < timedelta(seconds=10)
        assert taker.sources["window"] == "on: x11 events"
        assert taker.sources["clipboard"] == "off: by setting"


def test_each_title_that_stays_a_moment_is_seen(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("one") as window:
        taker.title("one")
        for title in ("two", "drei", "四", "👁 " * 600):
            window.retitle(title)
            assert taker.next_title() == title[:1024]
