"""An incident's timeline, for people and for machines."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from vedette_schemas import Alert, name_of

from .lines import COLOURS, plain

if TYPE_CHECKING:
    from vedette_archive import Moment


def moment_table(found: "Iterable[Moment]") -> Table:
    """Return what happened for people: what was reported is dim, so that alerts stand out."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    shown.add_column("at", no_wrap=True)
    shown.add_column("host", overflow="fold")
    shown.add_column("", no_wrap=True)
    shown.add_column("what", overflow="fold", ratio=1)
    for each in found:
        sort, words, style = _told(each)
        shown.add_row(
            f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}",
            plain(each.host, 63),
            Text(sort, style),
            Text(plain(words, 600), style),
        )
    return shown


def moment_fields(each: "Moment") -> dict[str, object]:
    """Return a moment for machines."""
    from vedette_archive import ArchivedCommand, ArchivedObservation, Step  # noqa: PLC0415

    found: dict[str, object] = {"at": each.at.isoformat(), "host": each.host or None}
    match each.what:
        case Alert() as alert:
            return found | {"alert": alert.model_dump(mode="json", exclude_none=True)}
        case ArchivedCommand() as command:
            told = {"id": str(command.id), "order": command.order.model_dump(mode="json")}
            return found | {"command": told | {"ending": command.ending, "ordered_by": command.ordered_by}}
        case ArchivedObservation() as seen:
            place = {"principal": seen.stream.principal, "spool": seen.stream.spool, "number": seen.number}
            return found | {"observation": place | {"kind": seen.stream.kind, "body": json.loads(seen.body)}}
        case Step() as step:
            said = {"who": step.who, "status": step.status, "owner": step.owner, "note": step.note}
            return found | {"step": said}


def _told(each: "Moment") -> tuple[str, str, str]:
    """Return of which sort a moment is, what happened, and how it is shown."""
    from vedette_archive import ArchivedCommand, ArchivedObservation, Step  # noqa: PLC0415

    from .web.observed import seen  # noqa: PLC0415

    match each.what:
        case Alert() as alert:
            return alert.severity, f"{alert.summary}; {alert.done}", COLOURS[alert.severity]
        case ArchivedCommand() as command:
            by = f" by {command.ordered_by}" if command.ordered_by else ""
            ended = command.ending or "under way"
            return "command", f"{command.order.action} {name_of(command.order)}{by}: {ended}", "bold"
        case ArchivedObservation() as observed:
            return observed.stream.kind, seen(observed).what, "dim"
        case Step() as step:
            owner = f", {step.owner}'s" if step.owner else ""
            note = f": {step.note}" if step.note else ""
            return "incident", f"{step.status}{owner}, says {step.who}{note}", "bold"
