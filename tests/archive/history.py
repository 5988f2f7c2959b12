"""Factories of what goes into an archive: a test changes the one detail that it is about."""

from datetime import datetime
from typing import Any
from uuid import UUID

from vedette_archive import Answer, Batch, Ending, Judged, OpenCommand, Place, Run
from vedette_schemas import Action, Alert, Mode, Severity, State, Stream, Terminate, Unreadable

from tests.messages import NOON, SPOOL, at, process

WINDOWS = Stream("sensor@host-7", SPOOL, "window")
CLIPBOARD = Stream("sensor@host-7", SPOOL, "clipboard")
OUTCOMES = Stream("enforcer@host-7", SPOOL, "outcome")


def run(first: int = 1, count: int = 1, stream: Stream = WINDOWS, received_at: datetime = NOON) -> Run:
    items = ",".join(f'{{"n":{n}}}' for n in range(first, first + count))
    return Run(stream, first, count, received_at, f"[{items}]")


def unread(stream: Stream, raw: bytes = b"{", number: int = 1) -> Batch:
    item = Unreadable("too new", raw)
    return Batch(runs=(Run(stream, number, 1, NOON, "[null]", {number: item}),))


def observed(first: int = 1, count: int = 1, stream: Stream = WINDOWS, second: float = 0) -> Batch:
    return Batch(runs=(run(first, count, stream, at(second)),))


def alert(number: int = 1, **changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": UUID(int=number),
        "state": State.FINAL,
        "at": NOON,
        "host": "host-7",
        "severity": Severity.HIGH,
        "detector": "listed-window",
        "summary": "a listed program",
        "mode": Mode.ENFORCE,
        "action": Action.ALERT,
        "done": "alerted",
    }
    return Alert(**(fields | changes))


def command(number: int = 7, **changes: Any) -> OpenCommand:
    fields: dict[str, Any] = {
        "id": UUID(int=number),
        "audience": "enforcer@host-7",
        "order": Terminate(process=process(), uid=1000),
        "issued_at": NOON,
        "expires_at": at(60),
    }
    return OpenCommand(**(fields | changes))


def answer(number: int = 7, **changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "command_id": UUID(int=number),
        "ending": Ending.DONE,
        "at": at(1),
        "outcome": Place(OUTCOMES, 1),
    }
    return Answer(**(fields | changes))


def judged(number: int = 1, key: str = "listed-window") -> Judged:
    return Judged(Place(WINDOWS, number), key, NOON, "listed-window", Severity.HIGH, "{}", Action.ALERT, "{}")
