"""What a day was like: gathered from the archive, and written for a terminal, a program or a browser."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from vedette_schemas import Severity

from .done import counted
from .incidents import as_fields as incident_fields
from .incidents import table as incident_table
from .lines import COLOURS, host_name, plain

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

    `acts` are what operators had done, `refused` what they asked for in vain. `deeds` counts the audit's rows
    by what they say, `refusals` those of them that were refused. `losses` are all there ever were, by their
    fate.
    """

    since: datetime
    until: datetime
    hours: "Sequence[Count]"
    hosts: "Sequence[Top]"
    detectors: "Sequence[Top]"
    indicators: "Sequence[Top]"
    incidents: "Sequence[Incident]"
    deeds: dict[str, int]
    refusals: dict[str, int]
    acts: "Sequence[AuditRow]"
    refused: "Sequence[AuditRow]"
    losses: dict[str, int]

    @property
    def title(self) -> str:
        """Which day it is, and by which clock."""
        return f"Vedette, {self.since:%A %d %B %Y}, by this machine's clock ({self.since:%Z})"

    @property
    def scale(self) -> str:
        """What a bar stands for: alerts are counted by the hours of UTC, which may not be ours."""
        early = timedelta(minutes=self.since.astimezone(UTC).minute)
        if not early:
            return f"alerts an hour, from {self.since:%H:%M}"
        return f"alerts an hour of UTC, from {self.since - early:%H:%M} the day before"

    @property
    def done(self) -> dict[str, int]:
        """How often what was done, without what was refused."""
        return {what: number - self.refusals.get(what, 0) for what, number in self.deeds.items()}

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
    acts = [row for row in rows if row.what.startswith("act.")]
    refused = [row for row in acts if _is_refused(row)]
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
        refusals=dict(Counter(row.what for row in refused)),
        acts=[row for row in acts if not _is_refused(row)][:MOST_ACTS][::-1],
        refused=refused[:MOST_ACTS][::-1],
        losses=dict(losses),
    )


def _is_refused(act: "AuditRow") -> bool:
    return act.facts.get("done") is False


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
            for name, top in tops(report)
        },
        "incidents": [incident_fields(each) for each in report.incidents],
        "deeds": report.deeds,
        "acts": [_act_fields(row) for row in report.acts],
        "refused": [_act_fields(row) for row in report.refused],
        "losses": report.losses,
    }


def _parts(report: Report, now: datetime) -> Iterator[RenderableType]:
    yield Text(f"{report.title}\n", "bold")
    yield _alerts(report)
    for name, top in tops(report):
        if top:
            yield _section(f"Most alerts: {name}")
            yield _top(top, of_hosts=top is report.hosts)
    yield _section("Incidents")
    found = report.incidents
    yield incident_table(found, now) if found else Text("none")
    yield _section("What was done")
    yield _counted(report.done)
    if report.acts:
        yield Group("", _acts(report.acts))
    if report.refused:
        yield _section("What was refused, and not done")
        yield _acts(report.refused)
    if never := lost(report):
        yield Text(f"\nnever archived, to this day: {never}", "yellow")


def _counted(done: Mapping[str, int]) -> RenderableType:
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for label, words in counted(done):
        shown.add_row(label, words)
    return shown if shown.row_count else Text("nothing")


def _act_fields(row: "AuditRow") -> dict[str, object]:
    return {"at": row.at.isoformat(), "who": row.who, "what": row.what, "words": row.words}


def lost(report: Report) -> str:
    """Return what was never archived, and why; nothing where all was."""
    return ", ".join(f"{fate} {count:,}" for fate, count in report.losses.items() if count)


def tops(report: Report) -> "tuple[tuple[str, Sequence[Top]], ...]":
    """Return what most alerts are about, each sort with its name."""
    return (("hosts", report.hosts), ("detectors", report.detectors), ("indicators", report.indicators))


def _alerts(report: Report) -> RenderableType:
    if not report.severities:
        return Text("no alerts")
    text = Text()
    for severity, count in report.severities.items():
        text.append(f"{count:,} {severity}", COLOURS[severity]).append("   ")
    text.append(f"\n{bars(report)}", "cyan").append(f"  {report.scale}")
    return text


def bars(report: Report) -> str:
    """Return the alerts of each hour as a row of bars; there has to be one."""
    count = int((report.until - report.since).total_seconds()) // 3600
    hours = [0] * count
    for each in report.hours:
        at = int((each.hour - report.since).total_seconds()) // 3600
        hours[min(max(at, 0), count - 1)] += each.alerts
    most = max(hours)
    return "".join(_BARS[-(-each * (len(_BARS) - 1) // most)] for each in hours)


def _section(name: str) -> Text:
    return Text(f"\n{name}", "bold")


def top_name(each: "Top", *, of_hosts: bool) -> str:
    """Return what stands at the top, for people."""
    return host_name(each.value) if of_hosts else plain(each.value, 200)


def _top(found: "Sequence[Top]", *, of_hosts: bool) -> Table:
    shown = Table.grid(padding=(0, 2))
    shown.add_column(justify="right")
    shown.add_column(overflow="fold")
    for each in found:
        shown.add_row(f"{each.alerts:,}", Text(top_name(each, of_hosts=of_hosts), COLOURS[each.worst]))
    return shown


def _acts(found: "Sequence[AuditRow]") -> Table:
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for row in found:
        text = Text(f"{plain(row.who, 64)}: ", "bold").append(plain(row.words, 300), "not bold")
        shown.add_row(f"{row.at.astimezone():%H:%M}", text)
    return shown
