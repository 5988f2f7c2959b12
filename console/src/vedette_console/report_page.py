"""What a day was like, as one page for a browser or a printer: its styles are in it, and no scripts."""

from datetime import datetime

from .done import counted
from .incidents import about, standing
from .report import Report, bars, lost, top_name, tops
from .web.rendering import render


def page(report: Report, now: datetime) -> str:
    """Return a report as an HTML page that asks nobody for anything."""
    return render(
        "day.html",
        {
            "report": report,
            "bars": bars(report) if report.severities else "",
            "tops": [
                (name, [(top_name(each, of_hosts=top is report.hosts), each) for each in top])
                for name, top in tops(report)
            ],
            "incidents": [(each, about(each), standing(each, now)) for each in report.incidents],
            "counted": list(counted(report.done)),
            "lost": lost(report),
        },
    )
