"""`vedette feeds`: how each feed is, and taking what was held back."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import MessageError, SettingsError, decode

from .actions import left
from .lines import count, plain
from .private import write

if TYPE_CHECKING:
    from vedette_indicators.formats import FeedRecord

MOST_ALERTS = 10_000
"""How many of the last alerts are looked at for hits."""

TAKEN_SECONDS = 20.0
_LOOK_SECONDS = 0.1
_NOT_DONE = 1

Folder = Annotated[Path, typer.Option(help="The folder of 'vedette up', or the one where feeds are kept.")]

feeds = typer.Typer(help="Feeds: lists that are fetched, and how they are.", invoke_without_command=True)


@feeds.callback()
def show(
    context: typer.Context,
    folder: Folder = Path("run"),
    *,
    refused: Annotated[
        bool, typer.Option("--refused", help="The first lines that were refused, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List the feeds: entries, age, refused lines, what is held back, ceiling, hits in the last alerts."""
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    records, hits, now = read(folder), count_hits(folder), datetime.now(UTC)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(name, each, hits) for name, each in records.items()]) + "\n")
    elif not records:
        sys.stdout.write(f"no feeds are kept in {_place(folder)}; docs/FEEDS.md tells how to name some\n")
    else:
        Console(highlight=False, soft_wrap=False).print(table(records, hits, now, refused=refused))


@feeds.command()
def accept(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The feed.")],
    folder: Annotated[Path | None, typer.Option(help="As above.")] = None,
) -> None:
    """Put in force what was held back of a feed. Leave with 1 where that is not done yet."""
    place = _place(folder or context.obj)
    record = read(place).get(name)
    if record is None:
        raise SettingsError(f"{plain(name)!r}: no such feed; 'vedette feeds' lists them")
    if record.held is None:
        raise SettingsError(f"of the feed {name} nothing is held back")
    if not record.held.entries:
        why = plain(record.held.why, 300)
        raise SettingsError(f"what is held back of {name} has no entries to put in force: {why}")
    try:
        write(place / f"{name}.accept", record.held.digest.encode())
    except OSError as error:
        raise SettingsError(
            f"{place}: can't be written: {error.strerror}; act as who runs the analyzer"
        ) from None
    deadline = time.monotonic() + TAKEN_SECONDS
    while time.monotonic() < deadline:
        now = read(place).get(name, record)
        if now.digest == record.held.digest:
            sys.stdout.write(f"{name}: {count(now.entries, 'entry', 'entries')} in force\n")
            return
        time.sleep(_LOOK_SECONDS)
    sys.stdout.write(f"{name}: accepted; it is taken as soon as the analyzer runs\n")
    raise typer.Exit(_NOT_DONE)


def read(folder: Path) -> dict[str, "FeedRecord"]:
    """Return what is known of each feed, by name; what can't be read is left out."""
    # what reads URLs alone takes as long as all else here
    from vedette_indicators.formats import FeedRecord  # noqa: PLC0415

    found: dict[str, FeedRecord] = {}
    for path in sorted(_place(folder).glob("*.json")):
        try:
            found[path.stem] = decode(FeedRecord, path.read_bytes())
        except (OSError, MessageError):
            continue
    return found


def count_hits(folder: Path) -> Mapping[str, int] | None:
    """Return how many of the last alerts are due to each list, by the name of its file; `None` if unknown."""
    from vedette_archive import ArchiveError, Reader  # noqa: PLC0415 (SQLAlchemy takes 150 ms)

    path = folder / "archive.db"
    if not path.exists():
        return None
    try:
        with Reader(path) as reader:
            alerts = [followed.alert for followed in reader.newest_alerts(MOST_ALERTS)]
    except ArchiveError:
        return None
    lists = {alert.id: alert.match.list for alert in alerts if alert.match is not None}
    return Counter(lists.values())


def table(
    records: Mapping[str, "FeedRecord"], hits: Mapping[str, int] | None, now: datetime, *, refused: bool
) -> Table:
    """Return them for people: beside each name what is in force of it, and how its source is."""
    found = Table.grid(padding=(0, 2))
    found.add_column(no_wrap=True, style="bold")
    found.add_column(overflow="fold")
    for name, record in records.items():
        found.add_row(Text(plain(name, 40)), _cell(name, record, hits, now, refused=refused))
    return found


def _cell(
    name: str, record: "FeedRecord", hits: Mapping[str, int] | None, now: datetime, *, refused: bool
) -> Text:
    facts = [count(record.entries, "entry", "entries"), f"at most {record.ceiling}"]
    if record.refused:
        facts.append(f"{count(record.refused, 'line')} refused")
    if hits is not None:
        facts.append(count(hits.get(f"{name}.csv", 0), "hit"))
    cell = Text(", ".join(facts), "bold")
    cell.append(f"\n{plain(record.source, 60)}, {record.format}; {_ages(record, now)}", "not bold dim")
    if record.away_since is not None:
        last = record.answered_at
        since = (
            f"it last answered {_ago(last, now)}"
            if last
            else f"asked in vain for the first time {_ago(record.away_since, now)}"
        )
        cell.append(f"\naway, {since}: {plain(record.trouble, 300)}", "not bold yellow")
    if record.held is not None:
        how = f"; take it with: vedette feeds accept {name}" if record.held.entries else ""
        why = plain(record.held.why, 300)
        cell.append(f"\nheld back {_ago(record.held.since, now)}: {why}{how}", "not bold red")
    for sample in record.samples if refused else ():
        cell.append(f"\n  {plain(sample, 300)}", "not bold")
    return cell


def _ages(record: "FeedRecord", now: datetime) -> str:
    if record.changed_at is None:
        return "never came"
    answered = f"asked {_ago(record.answered_at, now)}, " if record.answered_at else ""
    return f"{answered}changed {_ago(record.changed_at, now)}"


def _ago(at: datetime, now: datetime) -> str:
    return f"{left(max(now - at, timedelta()))} ago"


def _as_json(name: str, record: "FeedRecord", hits: Mapping[str, int] | None) -> dict[str, object]:
    found = None if hits is None else hits.get(f"{name}.csv", 0)
    said = record.model_dump(mode="json", exclude={"asked", "read_as", "etag", "last_modified"})
    return {"name": name, **said, "hits": found}


def _place(folder: Path) -> Path:
    kept = folder / "feeds"
    return kept if kept.is_dir() else folder
