"""What people read on a terminal: alerts, one line each, and words; all of it safe to print."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import SERVER, Alert, Severity, Where

COLOURS = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold white on red",
}
_UNSAFE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Unicode categories that could move the cursor, turn text around or hide it."""

PICTURES = {**{chr(number): chr(0x2400 + number) for number in range(0x20)}, "\x7f": "␡"}
"""What stands for control characters: ␀ ␉ ␊ and so on."""

Row = tuple[Text, ...]
"""Some short texts, and one that may be long."""

OF_MOMENTS = (19, 10)
"""Columns: a moment with its day, and the longest sort. Rows that are still to come will fit as well."""

_UNBROKEN = 10_000


def plain(text: str, most: int = 200) -> str:
    """Return a hostile text as one harmless line of at most `most` characters."""
    kept = "".join(
        PICTURES.get(c, "\N{REPLACEMENT CHARACTER}") if unicodedata.category(c) in _UNSAFE else c
        for c in text[: most + 1]
    )
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def count(number: int, one: str, several: str = "") -> str:
    """Return a number and what there is of it."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def host_name(host: str) -> str:
    """Return what people call a host; alerts and rows about Vedette itself name the server by a number."""
    return "server" if host == SERVER else plain(host, 63)


def milliseconds(alert: Alert) -> float | None:
    """Return how long it took from what was seen to what was done, by the host's clock where it can be.

    `None` where that is not known, and for what waited for an operator.
    """
    if alert.times is None or alert.times.approved_at is not None:
        return None
    last = alert.times.ended_at or alert.times.judged_at
    return (last - alert.times.seen_at).total_seconds() * 1000


def alert_line(alert: Alert) -> Text:
    """Return time, host, severity, what matched in which list and line, what was done, in how many ms."""
    at = (alert.times and alert.times.approved_at) or alert.at
    line = Text(f"{at.astimezone():%H:%M:%S.%f}"[:12] + f"  {host_name(alert.host)}  ")
    line.append(f"{alert.severity:<8}", COLOURS[alert.severity])
    line.append("  ").append_text(_what(alert, 60, 200))
    line.append(f"  {plain(alert.done, 1_000)}")
    took = milliseconds(alert)
    if took is not None:
        line.append(f"  {took:.1f} ms", "green")
    return line


def alert_row(alert: Alert, *, in_full: bool = False) -> Row:
    """Return an alert as a row: host, what matched and what was done are one text.

    `in_full` it holds all that a search goes by: the summary of what matched, too, and the detector.
    """
    text = Text(f"{host_name(alert.host)}: ", "bold").append_text(_what(alert, 120, 500))
    if in_full and alert.match is not None:
        text.append(f"  {plain(alert.summary, 500)}", "not bold")
    text.append(f"; {plain(alert.done, 500)}", "not bold")
    if in_full:
        text.append(f"  {plain(alert.detector, 64)}", "not bold dim")
    return Text(stamp(alert.at)), Text(alert.severity, COLOURS[alert.severity]), text


def stamp(at: datetime) -> str:
    """Return a moment, with its day, where we are."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def print_rows(rows: Iterable[Row], widths: Sequence[int] = OF_MOMENTS) -> None:
    """Print rows, each by itself, so that those which come later look like the first.

    On a terminal what is too long for a line goes on below at a word; elsewhere a row is a line.
    """
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen.width = _UNBROKEN
    for row in rows:
        grid = Table.grid(padding=(0, 2))
        for width in widths:
            grid.add_column(width=width, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(*row)
        screen.print(grid)


def _what(alert: Alert, most: int, most_of_summary: int) -> Text:
    """Return what matched in which list and line; else what an alert says."""
    found = alert.match
    if found is None:
        return Text(plain(alert.summary, most_of_summary), "bold")
    where = "" if found.where is Where.PROGRAM else f" in the {found.where}"
    text = Text(f"{plain(found.type, 16)} {plain(found.value, most)!r}{where}", "bold")
    return text.append(f"  {plain(found.list, 40)}:{found.line}", "not bold dim")
