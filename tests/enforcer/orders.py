"""Commands of the tests, valid but for the one detail that a test changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from vedette_schemas import Command, Notify, Principal, Process, Program, Terminate

ENFORCER = Principal(Program.ENFORCER, "host-7")
ANALYZER = "analyzer@0"
NOBODY_RUNS = Process(pid=2**31 - 1, started=1, executable="/nowhere")


def command(**changed: Any) -> Command:
    """Return a command to end a program that does not run."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": uuid4(),
        "issuer": ANALYZER,
        "audience": str(ENFORCER),
        "issued_at": now,
        "expires_at": now + timedelta(seconds=60),
        "order": Terminate(process=NOBODY_RUNS),
    }
    return Command(**(fields | changed))


def notify(uid: int) -> Notify:
    """Return an order to show a notice to `uid`."""
    return Notify(uid=uid, title="A program was ended", text="It is on the operator's list.")
