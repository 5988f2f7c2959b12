"""An incident's timeline, for people and for machines."""

from typing import TYPE_CHECKING

from rich.text import Text
from vedette_schemas import Alert, name_of

from .lines import COLOURS, Row, host_name, plain, stamp

if TYPE_CHECKING:
    from vedette_archive import Moment


def moment_row(each: "Moment") -> Row:
    """Return what happened as a row: what was reported is dim, so that alerts stand out."""
    sort, words, style = _told(each)
    text = Text(f"{host_name(each.host)}: " if each.host else "", style)
    return Text(stamp(each.at)), Text(sort, style), text.append(plain(words, 600))


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
            return found | {"observation": place | {"kind": seen.stream.kind, "body": seen.fields()}}
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
