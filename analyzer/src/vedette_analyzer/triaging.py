"""What operators say of incidents: where they stand, and whose they are."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from vedette_archive import Incident, Triaged
from vedette_schemas import Act, IncidentStatus, Principal, Triage

from .answering import Done, NotDoneError
from .orders import Effect
from .words import short

KnownIncident = Callable[[UUID], Incident | None]

_SHOWN = 5


def triage(known: KnownIncident, what: Triage, act: Act, now: datetime, effects: list[Effect]) -> Done:
    """Say where incidents stand; raise `NotDoneError` where none of them is known.

    What is nobody's becomes the author's, unless it is opened.
    """
    found = [each for name in dict.fromkeys(what.incident_ids) if (each := known(name)) is not None]
    if not found:
        raise NotDoneError("no such incident is known: 'vedette incidents' lists them")
    takes = what.owner is None and what.status in (IncidentStatus.ACKNOWLEDGED, IncidentStatus.RESOLVED)
    author = act.account or Principal.parse(act.issuer).host
    for each in found:
        owner = author if takes and not each.owner else what.owner
        effects.append(Triaged((each.id,), act.author, now, what.status, owner, what.note))
    unknown = len(set(what.incident_ids)) - len(found)
    words = f"{_named(found)}: {_said(what)}"
    return Done(f"{words}; {unknown} more are not known" if unknown else words)


def _named(found: list[Incident]) -> str:
    names = ", ".join(short(each.id) for each in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"incident{'s' if len(found) > 1 else ''} {names}{more}"


def _said(what: Triage) -> str:
    """Return what was said, in words: the audit keeps them."""
    owner = None if what.owner is None else f"owner {what.owner}" if what.owner else "nobody's"
    return ", ".join(each for each in (what.status, owner, what.note and f"“{what.note}”") if each)
