"""What the archive holds of a self-test, where the archive is on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vedette_schemas import Alert, Kind, Outcome, Stream, VedetteError
from vedette_transport.signing import CommandRefusedError, Verifier

from .heard import Heard, Plan

if TYPE_CHECKING:
    from vedette_archive import Reader

_NEWEST = 2_000
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ordered:
    """When the server ordered a command, and had its outcome, which is as the host told it."""

    issued_at: datetime
    received_at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Archived:
    """What is in the archive: `missing` names what should be and is not; `trouble` says why none can be read.

    `signature` says what is wrong with the command's signature, where the command is there.
    """

    trouble: str = ""
    missing: tuple[str, ...] = ()
    ordered: Ordered | None = None
    signature: str | None = None


def look(path: Path, ca: Path, plan: Plan, heard: Heard) -> Archived:
    """Look for all that the self-test was told is archived."""
    from vedette_archive import Reader  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    try:
        with Reader(path, patience=_PATIENCE_SECONDS) as reader:
            told = {followed.alert.id for followed in reader.newest_alerts(_NEWEST)}
            missing = [str(kind) for kind, found in heard.told.items() if found.alert.id not in told]
            missing += [
                str(kind) for kind, found in heard.told.items() if not _holds(reader, kind, found.alert)
            ]
            if heard.answer is not None and reader.act(plan.act.id) is None:
                missing.append("the act")
            if heard.final is None:
                return Archived(missing=_once(missing))
            command, outcome = reader.command(plan.command_id), reader.outcome(plan.command_id)
    except VedetteError as error:
        return Archived(trouble=str(error))
    if command is None or outcome is None:
        return Archived(missing=_once([*missing, "the command and its outcome"]))
    said = Outcome.model_validate_json(outcome.body)
    ordered = Ordered(command.issued_at, outcome.received_at, said)
    return Archived(missing=_once(missing), ordered=ordered, signature=_signature(said, ca, plan))


def _holds(reader: "Reader", kind: Kind, alert: Alert) -> bool:
    """Tell whether the observation behind an alert is archived."""
    found = alert.origin
    return found is not None and found.number in reader.numbers(Stream(found.principal, found.spool, kind))


def _once(missing: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(missing))


def _signature(outcome: Outcome, ca: Path, plan: Plan) -> str | None:
    """Return what is wrong with the signature of the command that was carried out; `None` if nothing is.

    It has to hold, and must not hold with other words than were signed.
    """
    verifier, token, at = Verifier(ca, plan.enforcer), outcome.command or "", outcome.taken_at
    try:
        verifier.verify(token, at)
    except CommandRefusedError as refused:
        return f"the command is not signed as it has to be: {refused.reason}"
    head, words, signature = token.split(".")
    changed = f"{head}.{words[:-1]}{'A' if words[-1] != 'A' else 'Q'}.{signature}"
    try:
        verifier.verify(changed, at)
    except CommandRefusedError:
        return None
    return "a command that was changed passes for a signed one"
