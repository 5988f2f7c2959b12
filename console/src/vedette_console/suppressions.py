"""`vedette suppress` and `vedette suppressions`: what is hidden, by whom, why and until when."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import ActAnswer, Lift, ListEntry, Principal, Scope, SettingsError, Suppress

from .acting import OperatorSettings, carry_out
from .actions import clock, left
from .deployment import read_host
from .lines import alert_row, count, plain, print_rows
from .orders import BEGINNING, RUN, Folder, For, find, in_folder, open_archive, seconds
from .suppressing import DEFAULT_TIME, read_entry, wanted

if TYPE_CHECKING:
    from vedette_archive import ArchivedSuppression, Reader

MOST_SHOWN = 1_000
_ALERTS_LOOKED_AT = 10_000

EXIT_CODES = "Exit code 0: it is done; 1: the analyzer refused it; 2: nobody could be asked."

AsJson = Annotated[bool, typer.Option("--json", help="What came of each, as a JSON object a line.")]
SameFolder = Annotated[Path | None, typer.Option("--folder", help="As above.")]

suppressions = typer.Typer(help="What operators have suppressed.", invoke_without_command=True)


def suppress(
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why, for the others.")],
    folder: Folder = RUN,
    indicator: Annotated[
        str | None,
        typer.Option(
            metavar="ENTRY",
            help="The list's entry: 'host evil.test'; without a type, the one that an alert was about.",
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Only on this host.")] = None,
    detector: Annotated[str | None, typer.Option(help="Only what this detector finds.")] = None,
    duration: For = DEFAULT_TIME,
    *,
    as_json: AsJson = False,
) -> None:
    """Have nobody told of what is found, and nothing done about it, for some time: 30 days at most.

    Give --indicator, --host or --detector, or several of them: all have to hold.

    What is hidden is kept: 'vedette suppressions show'. What was ordered before stays: 'vedette undo'.

    Your own orders are carried out, and what Vedette tells of itself can't be suppressed.
    """
    settings = OperatorSettings.of(folder)
    if indicator is None and host is None and detector is None:  # an empty one is a slip, and no "all"
        raise SettingsError("say what is to be suppressed: --indicator, --host or --detector, or several")
    entry = None if indicator is None else _entry(indicator, settings)
    scope = _scope(None if host is None else read_host(host), detector, entry)
    asked = [wanted(scope, reason=reason, seconds=seconds(duration))]
    note = _if_unheard(scope.host, settings) if scope.host else ""
    _carry_out(asked, settings, folder, note=note, as_json=as_json)


@suppressions.callback()
def show_all(
    context: typer.Context,
    folder: Folder = RUN,
    *,
    everything: Annotated[bool, typer.Option("--all", help="What is over as well, newest first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List what is suppressed: by whom, why, until when, and how many alerts it has hidden."""
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    now = datetime.now(UTC)
    with open_archive(OperatorSettings.of(folder).archive) as reader:
        known = reader.suppressed
        found = known.newest(MOST_SHOWN) if everything else known.in_force(now)
    if as_json:
        sys.stdout.write(json.dumps([as_fields(each, now) for each in found]) + "\n")
    elif not found:
        sys.stdout.write("nothing was suppressed yet\n" if everything else "nothing is suppressed\n")
    else:
        sys.stdout.write(f"times are in {now.astimezone():%Z}\n")
        sys.stdout.flush()
        Console(highlight=False, soft_wrap=False).print(table(found, now))


@suppressions.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="The suppression, by the beginning of its id.")],
    folder: SameFolder = None,
    last: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="How many, the newest last.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Alerts as JSON lines.")] = False,
) -> None:
    """Show the alerts that a suppression has hidden, as they would have been told."""
    with open_archive(OperatorSettings.of(folder or context.obj).archive) as reader:
        suppression_id = _find(name, reader)
        found = reader.suppressed.hidden(suppression_id, last)
    alerts = [each.alert for each in reversed(found)]
    if as_json:
        told = (alert.model_dump(mode="json", exclude_none=True) for alert in alerts)
        sys.stdout.writelines(json.dumps(each) + "\n" for each in told)
    else:
        print_rows(map(alert_row, alerts))
    if not found and not as_json:
        sys.stdout.write("it has hidden nothing that is still kept\n")


@suppressions.command(epilog=EXIT_CODES)
def lift(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="By the beginnings of their ids.")],
    folder: SameFolder = None,
    *,
    as_json: AsJson = False,
) -> None:
    """End suppressions before their time: what they hid is told again from now on."""
    folder = folder or Path(context.obj)
    settings = OperatorSettings.of(folder)
    with open_archive(settings.archive) as reader:
        ids = [_find(name, reader) for name in names]
    _carry_out([Lift(suppression_id=name) for name in ids], settings, folder, as_json=as_json)


def as_fields(each: "ArchivedSuppression", now: datetime) -> dict[str, object]:
    """Return a suppression for machines."""
    entry = None
    if each.indicator is not None:
        kind, _, value = each.indicator.partition("|")
        entry = {"type": kind, "value": value}
    return {
        "id": str(each.id),
        "host": each.host,
        "detector": each.detector,
        "indicator": entry,
        "reason": each.reason,
        "by": each.author,
        "since": each.since.isoformat(),
        "until": each.until.isoformat(),
        "in_force": _is_in_force(each, now),
        "ended_at": None if each.ended_at is None else each.ended_at.isoformat(),
        "ended_by": each.ended_by,
        "hidden": each.hidden,
        "last_hidden_at": None if each.last_hidden_at is None else each.last_hidden_at.isoformat(),
    }


def table(found: Iterable["ArchivedSuppression"], now: datetime) -> Table:
    """Return them for people: beside each id what it covers, until when, who and why, what it has hidden."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for each in found:
        cell = Text(plain(each.covers, 500), "bold")  # no markup: an entry may hold what would be some
        cell.append(f"\n{_state(each, now)}; by {each.author} {clock(each.since, now)}", "not bold")
        cell.append(f": {plain(each.reason, 300)}", "not bold")
        if each.hidden and each.last_hidden_at is not None:
            cell.append(
                f"\nhas hidden {count(each.hidden, 'alert')}, the last {clock(each.last_hidden_at, now)}",
                "not bold dim",
            )
        shown.add_row(str(each.id)[:BEGINNING], cell)
    return shown


def _state(each: "ArchivedSuppression", now: datetime) -> str:
    if _is_in_force(each, now):
        return f"{left(each.until - now)} left, until {clock(each.until, now)}"
    if each.ended_by is not None and each.ended_at is not None:
        return f"lifted by {each.ended_by} {clock(each.ended_at, now)}"
    return f"over since {clock(each.ended_at or each.until, now)}"


def _is_in_force(each: "ArchivedSuppression", now: datetime) -> bool:
    return each.ended_at is None and each.until > now


def _entry(text: str, settings: OperatorSettings) -> ListEntry:
    try:
        return read_entry(text)
    except SettingsError:
        with open_archive(settings.archive) as reader:
            alerts = [followed.alert for followed in reader.newest_alerts(_ALERTS_LOOKED_AT)]
        return read_entry(text, alerts)


def _scope(host: str | None, detector: str | None, entry: ListEntry | None) -> Scope:
    try:
        return Scope(host=host, detector=detector, indicator=entry)
    except ValidationError:
        raise SettingsError(f"--detector {plain(detector or '', 80)!r}: no name of a detector") from None


def _find(name: str, reader: "Reader") -> UUID:
    return find(
        name, reader.suppressed.ids(name.strip().lower()), "suppression", "vedette suppressions --all"
    )


def _if_unheard(host: str, settings: OperatorSettings) -> str:
    """Return what is to be said where nothing was ever heard of a host: it may come, or be misspelt."""
    with open_archive(settings.archive) as reader:
        heard = {Principal.parse(each.principal).host for each in reader.senders()}
    return "" if host in heard else f"no host {host} has been heard yet: 'vedette hosts' lists them"


def _carry_out(
    asked: Sequence[Suppress | Lift],
    settings: OperatorSettings,
    folder: Path,
    *,
    note: str = "",
    as_json: bool,
) -> None:
    carry_out(
        asked,
        settings,
        listed_by="vedette suppressions",
        as_json=as_json,
        fields=lambda what, answer: {"id": str(_id(what, answer))} | ({"note": note} if note else {}),
        hint=lambda what, answer: (f"but {note}\n" if note else "") + _how_to_end(what, answer, folder),
    )


def _id(what: Suppress | Lift, answer: ActAnswer) -> UUID:
    return what.suppression_id if isinstance(what, Lift) else answer.act_id


def _how_to_end(what: Suppress | Lift, answer: ActAnswer, folder: Path) -> str:
    if isinstance(what, Lift):
        return ""
    name = str(_id(what, answer))[:BEGINNING]
    return f"to end it sooner: vedette suppressions lift {name}{in_folder(folder)}\n"
