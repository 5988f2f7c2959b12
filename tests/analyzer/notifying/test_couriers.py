"""Faults of ours: one lane, one alert, and no more."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_analyzer.notifying import couriers
from vedette_analyzer.notifying.couriers import Courier
from vedette_analyzer.notifying.figures import Figures
from vedette_analyzer.notifying.following import Follower
from vedette_analyzer.notifying.queue import Outgoing, Queue
from vedette_archive import Batch, Cursor, Reader, Writer
from vedette_schemas import Alert

from tests.analyzer.notifying.routes import UTC_ZONE, settings
from tests.analyzer.notifying.telling import alert

WORDS = "words that may repeat an alert"
LANE = "officer/officer@school.example"
SETTINGS = settings({"officer": {"by": "email", "to": ["officer@school.example"], "gap_seconds": 0}})


class Faulty:
    """Fails at a message as it is, and takes it in other words."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.arrived = asyncio.Event()

    async def send(self, outgoing: Outgoing) -> None:
        self.sent.append(outgoing)
        if not outgoing.refused:
            raise RuntimeError(WORDS)
        self.arrived.set()


def test_a_message_that_we_fail_at_is_sent_in_other_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(couriers, "FIRST_RETRY_SECONDS", 0.01)
    others: list[Alert] = []
    queue = Queue(tmp_path / "queue.db")

    async def run() -> None:
        sender = Faulty()
        queue.take([alert()], SETTINGS.lanes, datetime.now(UTC), UTC_ZONE)

        def tell_others(_: str, found: Alert) -> None:
            others.append(found)

        courier = Courier(LANE, SETTINGS, sender, queue, tell_others, Figures([LANE]))
        task = asyncio.create_task(courier.run())
        async with asyncio.timeout(20):
            await sender.arrived.wait()
        courier.end()
        await task
        assert [each.refused for each in sender.sent] == [False, True]
        assert len({each.dispatch.id for each in sender.sent}) == 1

    asyncio.run(run())
    assert queue.outgoing(LANE) is None
    assert others == []
    assert "RuntimeError" in caplog.text
    assert WORDS not in caplog.text
    queue.close()


def test_an_alert_that_can_not_be_read_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db")
    with Writer(tmp_path / "archive.db") as writer:
        found = [alert(summary=f"alert {n}") for n in range(9)]
        for each in found:
            writer.store(Batch(alerts=(each,)))
        with sqlite3.connect(tmp_path / "archive.db") as database:
            database.execute("UPDATE alerts SET body = '{}' WHERE id = ?", (str(found[4].id),))
        database.close()
        follower = Follower(tmp_path / "archive.db", queue, SETTINGS)
        with Reader(tmp_path / "archive.db") as reader:
            queue.begin(Cursor(reader.name, 0), None)
        while follower.go_on(datetime.now(UTC)) is not None:
            pass
        assert queue.depth(LANE).alerts == 8
        followed = queue.follower()
        assert followed is not None
        assert followed[0].sequence == 9
        follower.close()
    queue.close()
