"""`vedette alerts`: the last alerts of the archive, and with `--follow` those that come."""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from vedette_schemas import Alert, Severity

from .acting import OperatorSettings
from .asking import Since, called, moment
from .deployment import read_host
from .lines import alert_row, print_rows
from .orders import RUN, Folder, open_archive

if TYPE_CHECKING:
    from vedette_archive import Reader

MOST_SHOWN = 1_000
_PAUSE_SECONDS = 0.3
_AT_ONCE = 500


def alerts(
    folder: Folder = RUN,
    host: Annotated[str, typer.Option(help="Only of this host.")] = "",
    severity: Annotated[Severity, typer.Option(help="Only what matters as much, or more.")] = Severity.INFO,
    last: Annotated[int, typer.Option(min=0, max=MOST_SHOWN, help="How many, the newest last.")] = 50,
    *,
    since: Since = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with each alert as it comes, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Alerts as JSON lines.")] = False,
) -> None:
    """Show the last alerts, the newest last. It reads the archive: also while the analyzer is away.

    With --follow an alert whose order is answered comes again, with what the host did.
    """
    archive = OperatorSettings.of(folder).archive
    wanted = called(read_host(host)) if host else []
    begin = moment(since, datetime.now(UTC), "--since") if since else None
    with open_archive(archive) as reader:
        cursor = reader.newest_cursor()
        found = _last(archive, wanted, severity, begin, last) if last else []
        if as_json:
            sys.stdout.writelines(_json(alert) for alert in found)
        elif found:
            print_rows(map(alert_row, found))
        elif not follow:
            sys.stdout.write("no such alert\n")
        sys.stdout.flush()
        if follow:
            try:
                coming = _coming(reader, archive, cursor.sequence)
                _follow(coming, wanted, severity, as_json=as_json)
            except KeyboardInterrupt:
                return


def _last(
    archive: Path, hosts: list[str], least: Severity, since: datetime | None, count: int
) -> list[Alert]:
    """Return the last alerts that are wanted, oldest first."""
    from vedette_archive import History, Query  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    order = list(Severity)
    severities = [] if least is Severity.INFO else [str(each) for each in order[order.index(least) :]]
    wanted: dict[str, object] = {"host": hosts, "severity": severities}
    if since is not None:
        wanted["since"] = since
    with History(archive) as history:
        return list(history.search(Query.of(wanted), limit=count).alerts)[::-1]


def _follow(coming: Iterator[Alert], hosts: list[str], least: Severity, *, as_json: bool) -> None:
    order = list(Severity)
    for alert in coming:
        if (hosts and alert.host not in hosts) or order.index(alert.severity) < order.index(least):
            continue
        if as_json:
            sys.stdout.write(_json(alert))
        else:
            print_rows([alert_row(alert)])
        sys.stdout.flush()


def _coming(reader: "Reader", archive: Path, sequence: int) -> Iterator[Alert]:
    """Yield each alert that is written behind this sequence: SQLite tells nobody, so that it is asked.

    Raise `OtherArchiveError` once another archive lies there: what we read from gets nothing any more.
    """
    from vedette_archive import Cursor, OtherArchiveError  # noqa: PLC0415

    cursor, file = Cursor(reader.name, sequence), _file(archive)
    while True:
        found = reader.alerts_after(cursor, _AT_ONCE)
        for each in found:
            cursor = each.cursor
            yield each.alert
        if len(found) < _AT_ONCE:
            if _file(archive) not in (file, None):
                raise OtherArchiveError(f"{archive} was replaced by another archive: follow that one anew")
            time.sleep(_PAUSE_SECONDS)


def _file(path: Path) -> tuple[int, int] | None:
    """Return which file that is; `None` while there is none, as in the midst of a restore."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _json(alert: Alert) -> str:
    return json.dumps(alert.model_dump(mode="json", exclude_none=True)) + "\n"
