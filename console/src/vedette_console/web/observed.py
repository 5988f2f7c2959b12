"""Observations as pages show them: who saw what, and when."""

from datetime import datetime
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError
from vedette_archive import ArchivedObservation
from vedette_indicators import redact
from vedette_schemas import Observation, Principal, Process
from vedette_schemas.observations import AnyObservation

_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(AnyObservation)


class Seen(NamedTuple):
    """An observation; `what` is what was seen, `facts` are what else is known, each with its name.

    `seen_at` is the host's clock, `received_at` the server's.
    """

    place: str
    kind: str
    host: str
    seen_at: datetime | None
    received_at: datetime
    what: str
    facts: tuple[tuple[str, str], ...]


def seen(found: ArchivedObservation) -> Seen:
    """Return an observation as it is shown; secrets are taken out once more."""
    stream = found.stream
    place = f"{stream.principal} {stream.spool}, {found.number}"
    host = Principal.parse(stream.principal).host
    try:
        observed = _OBSERVATION.validate_json(found.body)
    except ValidationError:
        words = "of a Vedette whose observations were different: it can't be read"
        return Seen(place, stream.kind, host, None, found.received_at, words, ())
    facts = tuple((name, words) for name, words in _facts(observed) if words)
    return Seen(place, stream.kind, host, observed.seen_at, found.received_at, what(observed), facts)


def what(observed: Observation) -> str:
    """Return what was seen, in one text."""
    match observed.kind:
        case "window":
            return redact(observed.title)[0]
        case "clipboard":
            return redact(observed.text)[0]
        case "process" | "program":
            return observed.process.executable
        case "connection":
            name = f"{observed.host} " if observed.host else ""
            return f"{name}{observed.address} port {observed.port}"
        case "outcome":
            return f"{observed.action} {observed.status}: {observed.reason}"
        case "stopped":
            return "the program ended in order"


def _facts(observed: Observation) -> list[tuple[str, str]]:
    match observed.kind:
        case "outcome" | "stopped":
            return []
        case "clipboard":
            facts = [("Length", f"{observed.length:,} bytes")]
        case "connection":
            facts = _program(observed.process)
        case "window":
            facts = [*_program(observed.process), ("SHA-256", observed.sha256 or "")]
        case "process" | "program":
            facts = [("Process", str(observed.process.pid)), ("SHA-256", observed.sha256 or "")]
    return [*facts, ("User", "" if observed.uid is None else str(observed.uid))]


def _program(process: Process | None) -> list[tuple[str, str]]:
    return [] if process is None else [("Program", process.executable), ("Process", str(process.pid))]
