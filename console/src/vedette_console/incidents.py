"""`vedette incidents`: alerts that belong together, where each stands, and whose it is."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import MAX_TRIAGED, IncidentStatus, SettingsError, Triage

from .acting import OperatorSettings, carry_out
from .actions import clock
from .deployment import read_host
from .lines import COLOURS, count, host_name, plain, print_rows
from .moments import moment_fields, moment_row
from .orders import BEGINNING, RUN, Folder, find, open_archive

if TYPE_CHECKING:
    from vedette_archive import Incident, Line, Reader

MOST_SHOWN = 1_000

EXIT_CODES = "Exit code 0: it is done; 1: the analyzer refused it; 2: nobody could be asked."

incidents = typer.Typer(help="Alerts that belong together.", invoke_without_command=True)

SameFolder = Annotated[Path | None, typer.Option("--folder", help="As above.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="By the beginnings of their ids.")]
Owner = Annotated[str | None, typer.Option(help="Whose they are from now on; '' for nobody's.")]
Note = Annotated[str, typer.Option(help="For whoever looks later.")]
AsJson = Annotated[bool, typer.Option("--json", help="What was answered, as one JSON object a line.")]


@incidents.callback()
def show_all(
    context: typer.Context,
    folder: Folder = RUN,
    status: Annotated[
        list[IncidentStatus] | None, typer.Option(help="Those that stand so; repeatable.", show_default=False)
    ] = None,
    host: Annotated[str, typer.Option(help="Those that are about this host.")] = "",
    owner: Annotated[str | None, typer.Option(help="Those of this owner; '' for nobody's.")] = None,
    score: Annotated[int, typer.Option(min=0, max=100, help="Those that matter as much, or more.")] = 0,
    last: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="How many.")] = 50,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones as well, newest first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List incidents that are not resolved, by how much they matter."""
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    from vedette_archive import IncidentQuery  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    unresolved = {IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED}
    query = IncidentQuery(
        statuses=frozenset(status or (IncidentStatus if everything else unresolved)),
        host=read_host(host) if host else None,
        owner=owner,
        score=score,
    )
    now = datetime.now(UTC)
    with _opened(folder) as reader:
        page = reader.incidents.page(query, last, by_score=not everything)
    if as_json:
        sys.stdout.write(json.dumps([as_fields(each) for each in page.incidents]) + "\n")
    elif not page.incidents:
        sys.stdout.write(
            "no incident\n" if everything or status else "no incident is open (--all: those that were)\n"
        )
    else:
        sys.stdout.write(f"times are in {now.astimezone():%Z}\n")
        sys.stdout.flush()
        Console(highlight=False, soft_wrap=False).print(table(page.incidents, now))
        if page.after is not None:
            sys.stdout.write(f"… and more: --last {min(MOST_SHOWN, 10 * last)}\n")


@incidents.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="The incident, by the beginning of its id.")],
    folder: SameFolder = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show one incident: what happened how often, and in which order, over all sensors."""
    from vedette_archive import History, timeline  # noqa: PLC0415

    archive = OperatorSettings.of(folder or context.obj).archive
    now = datetime.now(UTC)
    with open_archive(archive) as reader, History(archive) as history:
        incident = reader.incidents.get(_find(name, reader))
        if incident is None:
            raise SettingsError(f"no such incident as {plain(name, 40)}: 'vedette incidents' lists them")
        lines = reader.incidents.lines(incident.number)
        moments = timeline(reader, history, incident)
    if as_json:
        told = {**as_fields(incident), "what": [_line_fields(each) for each in lines]}
        told["timeline"] = [moment_fields(each) for each in moments]
        sys.stdout.write(json.dumps(told) + "\n")
        return
    screen = Console(highlight=False, soft_wrap=False)
    screen.print(table([incident], now), "", _lines(lines, now), "")
    print_rows(map(moment_row, moments))


@incidents.command(epilog=EXIT_CODES)
def acknowledge(
    context: typer.Context,
    ids: Ids,
    folder: SameFolder = None,
    owner: Owner = None,
    note: Note = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Say that somebody looks into incidents: you, unless they are somebody's or --owner says otherwise."""
    _say(context, ids, folder, IncidentStatus.ACKNOWLEDGED, owner, note, as_json=as_json)


@incidents.command(epilog=EXIT_CODES)
def resolve(
    context: typer.Context,
    ids: Ids,
    folder: SameFolder = None,
    owner: Owner = None,
    note: Note = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Say that incidents are dealt with. A later alert that belongs to one opens it again."""
    _say(context, ids, folder, IncidentStatus.RESOLVED, owner, note, as_json=as_json)


@incidents.command("open", epilog=EXIT_CODES)
def open_again(
    context: typer.Context,
    ids: Ids,
    folder: SameFolder = None,
    owner: Owner = None,
    note: Note = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Say that incidents are not dealt with after all."""
    _say(context, ids, folder, IncidentStatus.OPEN, owner, note, as_json=as_json)


def table(found: "Iterable[Incident]", now: datetime) -> Table:
    """Return incidents for people: beside each id what it is about and how it stands."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for each in found:
        cell = Text(f"{each.score:>3} ", "bold").append(f"{each.severity:<8} ", COLOURS[each.severity])
        cell.append(f"{about(each)}\n", "bold").append(standing(each, now))
        shown.add_row(str(each.id)[:BEGINNING], cell)
    return shown


def about(each: "Incident") -> str:
    """Return where an incident is, and what it is about."""
    return f"{_where(each)}: {plain(each.summary, 300)}"


def standing(each: "Incident", now: datetime) -> str:
    """Return how an incident stands, whose it is, of how many alerts, and from when to when they were."""
    owner = f", {plain(each.owner, 64)}'s" if each.owner else ""
    again = f", opened again {count(each.reopened, 'time')}" if each.reopened else ""
    until = f" to {clock(each.last_at, now)}" if each.last_at != each.opened_at else ""
    return f"{each.status}{owner}{again}; {_many(each)}, {clock(each.opened_at, now)}{until}"


def as_fields(each: "Incident") -> dict[str, object]:
    """Return an incident for machines."""
    return {
        "id": str(each.id),
        "status": each.status,
        "owner": each.owner or None,
        "score": each.score,
        "severity": each.severity,
        "host": each.host,
        "hosts": each.hosts,
        "indicator": each.indicator,
        "summary": each.summary,
        "alerts": each.alerts,
        "lines": each.lines,
        "opened_at": each.opened_at.isoformat(),
        "last_at": each.last_at.isoformat(),
        "reopened": each.reopened,
    }


def _where(each: "Incident") -> str:
    if each.host is not None:
        return host_name(each.host)
    return f"{plain((each.indicator or '').replace('|', ' ', 1), 100)} on {count(each.hosts, 'host')}"


def _many(each: "Incident") -> str:
    alerts = count(each.alerts, "alert")
    return alerts if each.lines == each.alerts else f"{alerts} of {count(each.lines, 'sort')}"


def _lines(found: "Iterable[Line]", now: datetime) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    shown.add_column("times", justify="right")
    shown.add_column("last", no_wrap=True)
    for name in ("host", "what"):
        shown.add_column(name, overflow="fold")
    for each in found:
        what = Text(plain(each.summary, 300), COLOURS[each.severity])
        shown.add_row(f"{each.count:,}", clock(each.last_at, now), host_name(each.host), what)
    return shown


def _line_fields(each: "Line") -> dict[str, object]:
    return {
        "host": each.host,
        "severity": each.severity,
        "detector": each.detector,
        "indicator": each.indicator,
        "summary": each.summary,
        "count": each.count,
        "first_at": each.first_at.isoformat(),
        "last_at": each.last_at.isoformat(),
        "alert_id": str(each.alert_id),
    }


def _opened(folder: Path) -> "Reader":
    return open_archive(OperatorSettings.of(folder).archive)


def _find(name: str, reader: "Reader") -> UUID:
    return find(name, reader.incidents.ids(name.strip().lower()), "incident", "vedette incidents --all")


def _say(
    context: typer.Context,
    names: Sequence[str],
    folder: Path | None,
    status: IncidentStatus,
    owner: str | None,
    note: str,
    *,
    as_json: bool,
) -> None:
    settings = OperatorSettings.of(folder or context.obj)
    with open_archive(settings.archive) as reader:
        ids = list(dict.fromkeys(_find(name, reader) for name in names))
    acts = list(_acts(ids, status, owner, note))
    carry_out(acts, settings, listed_by="vedette incidents --all", as_json=as_json)


def _acts(ids: Sequence[UUID], status: IncidentStatus, owner: str | None, note: str) -> Iterator[Triage]:
    """Yield the acts that say it, as many as are needed; raise `SettingsError` where it can't be said."""
    for first in range(0, len(ids), MAX_TRIAGED):
        some = tuple(ids[first : first + MAX_TRIAGED])
        try:
            yield Triage(incident_ids=some, status=status, owner=owner, note=note)
        except ValidationError as error:
            field = str(error.errors()[0]["loc"][0])
            raise SettingsError(
                f"--{field}: an owner is at most 63 letters, digits, '.', '_', '@', '-'; a note 300 signs"
            ) from None
