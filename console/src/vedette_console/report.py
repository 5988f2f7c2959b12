"""What a day was like: gathered from the archive, and written for a terminal, a program or a browser."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from vedette_schemas import Severity

from .incidents import as_fields as incident_fields
from .incidents import table as incident_table
from .lines import COLOURS, plain

if TYPE_CHECKING:
    from vedette_archive import AuditRow, Count, History, Incident, Reader, Top

MOST_INCIDENTS = 15
MOST_ACTS = 30
_MOST_ROWS = 20_000
_MOST_TOP = 5
_BARS = " ▁▂▃▄▅▆▇█"
_SEVERITIES = tuple(reversed(Severity))


class Report(NamedTuple):
    """A day, from `since` until `until` where we are: of incidents, acts and tops the first few.

    `deeds` counts the audit's rows by what was done; `losses` are all there ever were, by their fate.
    """

    since: datetime
    until: datetime
    hours: "Sequence[Count]"
    hosts: "Sequence[Top]"
    detectors: "Sequence[Top]"
    indicators: "Sequence[Top]"
    incidents: "Sequence[Incident]"
    deeds: dict[str, int]
    acts: "Sequence[AuditRow]"
    losses: dict[str, int]

    @property
    def severities(self) -> dict[Severity, int]:
        """How many alerts there were, the gravest first."""
        found: Counter[Severity] = Counter()
        for each in self.hours:
            found[each.severity] += each.alerts
        return {severity: found[severity] for severity in _SEVERITIES if found[severity]}


def gather(reader: "Reader", history: "History", day: date) -> Report:
    """Return what a day was like, by the clock where we are."""
    from vedette_archive import AuditQuery, By, IncidentQuery  # noqa: PLC0415

    since = datetime.combine(day, time()).astimezone()
    until = datetime.combine(day + timedelta(days=1), time()).astimezone()
    rows = reader.audit.rows(AuditQuery(since=since, until=until), _MOST_ROWS)
    incidents = reader.incidents.page(
        IncidentQuery(since=since, until=until), MOST_INCIDENTS, by_score=True
    ).incidents
    losses: Counter[str] = Counter()
    for of_host in reader.losses().values():
        losses.update({str(fate): count for fate, count in of_host.items()})
    return Report(
        since,
        until,
        hours=history.over_time(since, until),
        hosts=history.top(By.HOST, since, until, _MOST_TOP),
        detectors=history.top(By.DETECTOR, since, until, _MOST_TOP),
        indicators=history.top(By.INDICATOR, since, until, _MOST_TOP),
        incidents=incidents,
        deeds=dict(sorted(Counter(row.what for row in rows).items())),
        acts=[row for row in rows if row.what.startswith("act.")][:MOST_ACTS][::-1],
        losses=dict(losses),
    )


def rendered(report: Report, now: datetime) -> RenderableType:
    """Return a report for people."""
    return Group(*_parts(report, now))


def as_fields(report: Report) -> dict[str, object]:
    """Return a report for machines."""
    return {
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "alerts": {str(severity): count for severity, count in report.severities.items()},
        "hours": [
            {"hour": each.hour.isoformat(), "severity": each.severity, "alerts": each.alerts}
            for each in report.hours
        ],
        **{
            name: [{"value": each.value, "alerts": each.alerts, "worst": each.worst} for each in top]
            for name, top in _tops(report)
        },
        "incidents": [incident_fields(each) for each in report.incidents],
        "deeds": report.deeds,
        "acts": [
            {"at": row.at.isoformat(), "who": row.who, "what": row.what, "words": row.words}
            for row in report.acts
        ],
        "losses": report.losses,
    }


def _parts(report: Report, now: datetime) -> Iterator[RenderableType]:
    yield Text(f"Vedette, {report.since:%A %d %B %Y} ({report.since:%Z})\n", "bold")
    yield _alerts(report)
    for name, top in _tops(report):
        if top:
            yield _section(f"Most alerts: {name}")
            yield _top(top)
    yield _section("Incidents")
    found = report.incidents
    yield incident_table(found, now) if found else Text("none")
    yield _section("What was done")
    yield Text(", ".join(f"{what} {count:,}" for what, count in report.deeds.items()) or "nothing")
    if report.acts:
        yield _acts(report.acts)
    if any(report.losses.values()):
        lost = ", ".join(f"{fate} {count:,}" for fate, count in report.losses.items())
        yield Text(f"\nnever archived, to this day: {lost}", "yellow")


def _tops(report: Report) -> "tuple[tuple[str, Sequence[Top]], ...]":
    return (("hosts", report.hosts), ("detectors", report.detectors), ("indicators", report.indicators))


def _alerts(report: Report) -> RenderableType:
    if not report.severities:
        return Text("no alerts")
    text = Text()
    for severity, count in report.severities.items():
        text.append(f"{count:,} {severity}", COLOURS[severity]).append("   ")
    text.append(f"\n{_bars(report)}", "cyan").append(f"  alerts an hour, from {report.since:%H:%M}")
    return text


def _bars(report: Report) -> str:
    """Return the alerts of each hour as a row of bars."""
    count = int((report.until - report.since).total_seconds()) // 3600
    hours = [0] * count
    for each in report.hours:
        at = int((each.hour - report.since).total_seconds()) // 3600
        hours[min(max(at, 0), count - 1)] += each.alerts
    most = max(hours)
    return "".join(_BARS[-(-each * (len(_BARS) - 1) // most)] for each in hours)


def _section(name: str) -> Text:
    return Text(f"\n{name}", "bold")


def _top(found: "Sequence[Top]") -> Table:
    shown = Table.grid(padding=(0, 2))
    shown.add_column(justify="right")
    shown.add_column(overflow="fold")
    for each in found:
        shown.add_row(f"{each.alerts:,}", Text(plain(each.value, 200), COLOURS[each.worst]))
    return shown


def _acts(found: "Sequence[AuditRow]") -> Table:
    shown = Table.grid(padding=(0, 2))
    for _ in range(2):
        shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for row in found:
        shown.add_row(f"{row.at.astimezone():%H:%M}", plain(row.who, 64), Text(plain(row.words, 300)))
    return shown
