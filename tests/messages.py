"""Factories of valid messages: a test changes the one detail that it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from vedette_schemas import (
    ClipboardCopied,
    Command,
    ConnectionOpened,
    Kind,
    Life,
    Observation,
    Outcome,
    OutcomeStatus,
    Process,
    ProcessStarted,
    ProgramHashed,
    Report,
    Status,
    Terminate,
    WindowFocused,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SPOOL = "00112233aabbccdd"


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def process(**changes: Any) -> Process:
    fields: dict[str, Any] = {"pid": 4242, "started": 99_000, "executable": "/opt/game/game"}
    return Process(**(fields | changes))


def window(second: float = 0, **changes: Any) -> WindowFocused:
    fields: dict[str, Any] = {
        "seen_at": at(second),
        "os": "linux",
        "title": "a title",
        "uid": 1000,
        "process": process(),
        "pid_from": "server",
    }
    return WindowFocused(**(fields | changes))


def clipboard(text: str = "some text", second: float = 0, **changes: Any) -> ClipboardCopied:
    fields: dict[str, Any] = {"seen_at": at(second), "text": text, "length": len(text.encode()), "uid": 1000}
    return ClipboardCopied(**(fields | changes))


def started(second: float = 0, **changes: Any) -> ProcessStarted:
    fields: dict[str, Any] = {"seen_at": at(second), "os": "linux", "process": process(), "uid": 1000}
    return ProcessStarted(**(fields | changes))


def hashed(second: float = 0, **changes: Any) -> ProgramHashed:
    fields: dict[str, Any] = {
        "seen_at": at(second),
        "os": "linux",
        "process": process(),
        "sha256": "ab" * 32,
        "uid": 1000,
    }
    return ProgramHashed(**(fields | changes))


def connection(second: float = 0, **changes: Any) -> ConnectionOpened:
    fields: dict[str, Any] = {
        "seen_at": at(second),
        "os": "linux",
        "address": "192.0.2.7",
        "port": 443,
        "process": process(),
        "uid": 1000,
    }
    return ConnectionOpened(**(fields | changes))


def outcome(command_id: UUID | None, second: float = 1, **changes: Any) -> Outcome:
    fields: dict[str, Any] = {
        "seen_at": at(second),
        "taken_at": at(second),
        "command_id": command_id,
        "action": "terminate",
        "status": OutcomeStatus.DONE,
        "reason": "ended",
        "ended": (process(),),
    }
    return Outcome(**(fields | changes))


def report(*items: Observation, sender: str = "sensor@host-7", **changes: Any) -> Report:
    fields: dict[str, Any] = {
        "sender": sender,
        "spool": SPOOL,
        "kind": Kind(items[0].kind),
        "first": 1,
        "sent_at": NOON,
        "items": items,
    }
    return Report(**(fields | changes))


def status(principal: str = "enforcer@host-7", second: float = 0, **changes: Any) -> Status:
    fields: dict[str, Any] = {
        "principal": principal,
        "connection": SPOOL,
        "life": Life.RUNNING,
        "number": 1,
        "at": at(second),
        "program_version": "0.1.0",
        "facts": {"terminate": "on", "notify": "on"},
    }
    return Status(**(fields | changes))


def command(**changes: Any) -> Command:
    fields: dict[str, Any] = {
        "id": UUID(int=7),
        "issuer": "analyzer@0",
        "audience": "enforcer@host-7",
        "issued_at": at(0),
        "expires_at": at(60),
        "order": Terminate(process=process(), uid=1000),
    }
    return Command(**(fields | changes))
