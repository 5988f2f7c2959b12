"""How a lane of the queue stands: what waits in it, and whether it fails."""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from .dispatch import Dispatch
from .queue_file import PATIENCE, explained


class Trouble(NamedTuple):
    """A lane fails since then; `told`: on the others."""

    since: datetime
    why: str
    told: bool


class Depth(NamedTuple):
    """What is still to be told in a lane: messages on their way, alerts, and since when the oldest waits."""

    outgoing: int
    alerts: int
    oldest: datetime | None


def depth(ask: Callable[..., list[tuple[Any, ...]]], name: str) -> Depth:
    """Return what is still to be told in a lane, by a way to ask its queue."""
    ((alerts, oldest),) = ask("SELECT total(alerts), min(first_at) FROM waiting WHERE lane = ?", name)
    outgoing = [
        Dispatch.model_validate_json(body)
        for (body,) in ask("SELECT body FROM outgoing WHERE lane = ?", name)
    ]
    times = [item.first_at for each in outgoing for item in each.items]
    times += [] if oldest is None else [datetime.fromisoformat(oldest)]
    count = int(float(alerts)) + sum(each.count for each in outgoing)
    return Depth(len(outgoing), count, min(times, default=None))


def look(path: Path, names: Iterable[str]) -> dict[str, tuple[Depth, Trouble | None]]:
    """Return what is still to be told and what fails, of a queue that another process may use.

    Raise `QueueError` where it can't be read; where there is none, nothing is.
    """
    if not path.exists():
        return {}
    with explained(path):
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
        try:

            def ask(query: str, *values: object) -> list[tuple[Any, ...]]:
                return database.execute(query, values).fetchall()

            found = dict[str, tuple[Depth, Trouble | None]]()
            for name in names:
                rows = ask("SELECT since, why, told FROM trouble WHERE lane = ?", name)
                fails = [Trouble(datetime.fromisoformat(since), why, bool(told)) for since, why, told in rows]
                found[name] = depth(ask, name), fails[0] if fails else None
            return found
        finally:
            database.close()
