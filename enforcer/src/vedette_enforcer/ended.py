"""What came of an order to end a program, in words for the operator."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vedette_schemas import OutcomeStatus, Process

from .running import Running

NO_RIGHT = "not allowed: the enforcer is not root"

_LISTED = 64
_LISTED_BYTES = 48 * 1024
"""With a command of MAX_TOKEN beside it, an outcome has to fit into a report."""

_NAMED = 5
_LONGEST = 1_000


class Ended(NamedTuple):
    """How it went, why, and what was ended."""

    status: OutcomeStatus
    reason: str
    processes: tuple[Process, ...] = ()


ALREADY = Ended(OutcomeStatus.DONE, "it had already ended")
ANOTHER_PROGRAM = Ended(OutcomeStatus.REFUSED, "not ended: another program runs in that process by now")


def gone(others: Ended) -> Ended:
    """Return that the process had ended, and what became of others of its program."""
    return others._replace(reason=f"{ALREADY.reason}; of others of its program: {others.reason}"[:_LONGEST])


def refused(why: str) -> Ended:
    """Return that this program is not to be ended."""
    return Ended(OutcomeStatus.REFUSED, f"not ended: {why}")


def failed(why: str) -> Ended:
    """Return that it could not be done."""
    return Ended(OutcomeStatus.FAILED, why[:_LONGEST])


def summary(
    ended: Sequence[Running],
    *,
    left: Sequence[Running],
    spared: Mapping[Running, str],
    finished: bool = True,
) -> Ended:
    """Return what was ended, what would not end, and what was left out on purpose."""
    listed = _that_fit([running.process for running in ended])
    parts = [f"ended {len(ended)} process{'es' if len(ended) != 1 else ''}"]
    if len(listed) < len(ended):
        parts[0] += f" ({len(ended) - len(listed)} more than are listed)"
    if left:
        parts.append(f"still running: {_names([str(running) for running in left])}")
    elif not finished:
        parts.append("it goes on starting others")
    if spared:
        parts.append(f"left out: {_names([f'{running} ({why})' for running, why in spared.items()])}")
    return Ended(
        OutcomeStatus.DONE if finished and not left else OutcomeStatus.FAILED,
        "; ".join(parts)[:_LONGEST],
        listed,
    )


def _that_fit(processes: Sequence[Process]) -> tuple[Process, ...]:
    """Return the first ones, as many as an outcome has room for: a path can be long."""
    listed: list[Process] = []
    room = _LISTED_BYTES
    for process in processes[:_LISTED]:
        room -= len(process.model_dump_json().encode()) + len(",")
        if room < 0:
            break
        listed.append(process)
    return tuple(listed)


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
