"""What `vedette indicators` says, as tables that fit on 80 columns."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_indicators import Explained, Indicator, Match
from vedette_indicators.formats import Place

from .indicator_files import Listed
from .lines import count, plain

SHOWN = 20
"""Lines of a table, of which there may be many more; `--json` has them all."""


def counted(words: Iterable[str]) -> dict[str, int]:
    """Return how often each word is there, the most frequent first."""
    return {str(word): count for word, count in Counter(words).most_common()}


def place(where: Place) -> str:
    """Return where in a list something stands, in words."""
    return f"line {where}" if isinstance(where, int) else plain(where, 64)


def show_list(name: str, listed: Listed, on: date, screen: Console) -> None:
    """Show what a list holds on that day, and which of its lines do not serve."""
    rows, bad = listed.rows, listed.bad
    expired = sum(not row.live(on) for row in rows)
    said = f"{count(len(rows), 'entry', 'entries')}, {expired:,} expired, {listed.repeated:,} said again"
    screen.print(f"{plain(name, 60)} ({listed.format}): {said}", highlight=False, markup=False)
    table = _table()
    actions = list(counted(row.action for row in rows))
    for column in ("type", *actions, "all"):
        table.add_column(column, justify="left" if column == "type" else "right")
    by_type = Counter((str(row.type), str(row.action)) for row in rows)
    for kind, number in counted(row.type for row in rows).items():
        cells = (f"{by_type[kind, action]:,}" for action in actions)
        table.add_row(kind, *cells, f"{number:,}")
    screen.print(table)
    if bad:
        screen.print(f"Lines that do not serve: {len(bad):,}", highlight=False, markup=False)
        wrong = _table()
        wrong.add_column("where", overflow="fold")
        wrong.add_column("why", overflow="fold")
        for where, reason in bad[:SHOWN]:
            wrong.add_row(Text(place(where)), Text(plain(reason, 300)))
        screen.print(wrong)
        _more(len(bad), screen)


def show_false_alarms(hit: list[tuple[str, Match]], screen: Console) -> None:
    """Show which everyday names a list hits."""
    if not hit:
        screen.print("No everyday name is hit.")
        return
    screen.print(f"Everyday names that it hits: {len(hit):,}", highlight=False, markup=False)
    table = _table()
    for column in ("name", "entry", "where", "action"):
        table.add_column(column, overflow="fold")
    for name, match in hit[:SHOWN]:
        row = match.indicator
        table.add_row(
            Text(plain(name, 100)), Text(f"{row.type} {plain(row.written, 100)}"), _place_of(row), row.action
        )
    screen.print(table)
    _more(len(hit), screen)


def show_matches(found: list[Match], screen: Console) -> None:
    """Show which rows were hit, and by what."""
    table = _table()
    for column in ("entry", "list, line", "asks for", "hit by", "as"):
        table.add_column(column, overflow="fold")
    for match in found:
        row = match.indicator
        table.add_row(
            Text(f"{row.type} {plain(row.written, 200)}"),
            Text(f"{plain(row.list, 60)}, ") + _place_of(row),
            f"{row.action}, {row.severity}",
            Text(plain(match.subject, 200)),
            match.via,
        )
    screen.print(table)


def _place_of(row: Indicator) -> Text:
    """Return the row's line, or the id that it has in a list without lines."""
    return Text(str(row.line) if row.line else plain(row.source, 64))


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False)


def _more(count: int, screen: Console) -> None:
    if count > SHOWN:
        screen.print(f"… and {count - SHOWN:,} more: --json has them all")


def show_explanation(found: Explained, screen: Console) -> None:
    """Show what is looked up for a URL."""
    screen.print(Text(plain(found.canonical, 400), style="bold"))
    table = Table(show_header=False, box=None)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for what, values in (
        ("hosts", found.hosts),
        ("pages", found.pages),
        ("addresses", found.addresses),
        ("carries", found.carried),
    ):
        for number, value in enumerate(values):
            table.add_row(what if number == 0 else "", Text(plain(value, 400)))
    screen.print(table)
