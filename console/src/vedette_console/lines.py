"""Alerts as people read them: one line each, safe to print."""

import unicodedata

from rich.text import Text
from vedette_schemas import Alert, Severity, Where

COLOURS = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold white on red",
}
_UNSAFE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Unicode categories that could move the cursor, turn text around or hide it."""


def plain(text: str, most: int = 200) -> str:
    """Return a hostile text as one harmless line of at most `most` characters."""
    kept = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSAFE else c for c in text[: most + 1]
    )
    return kept if len(kept) <= most else kept[: most - 1] + "…"


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
    line = Text(f"{at.astimezone():%H:%M:%S.%f}"[:12] + f"  {alert.host}  ")
    line.append(f"{alert.severity:<8}", COLOURS[alert.severity])
    if alert.match:
        found = alert.match
        where = "" if found.where is Where.PROGRAM else f" in the {found.where}"
        line.append(f"  {plain(found.type, 16)} {plain(found.value, 60)!r}{where}", "bold")
        line.append(f"  {plain(found.list, 40)}:{found.line}", "dim")
    else:
        line.append(f"  {plain(alert.summary)}", "bold")
    line.append(f"  {plain(alert.done, 1_000)}")
    took = milliseconds(alert)
    if took is not None:
        line.append(f"  {took:.1f} ms", "green")
    return line
