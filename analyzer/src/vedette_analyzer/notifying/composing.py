"""A message as e-mail and as text: what hosts sent is harmless lines, and nothing can be clicked on."""

from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from vedette_schemas import SERVER

from .dispatch import Dispatch, Item, first_name
from .settings import EmailRoute, Route
from .showing import Shown, Sight, defanged, limited, plain

COLOURS = {
    "info": "#5f6b7a",
    "low": "#1f6f8b",
    "medium": "#9a6700",
    "high": "#b3261e",
    "critical": "#7a0010",
}
_MOST_SUBJECT = 140
_MOST_HEADING = 1_200
_LIST = "list"
"""Names a file, which looks like a host and is none."""

_TEMPLATES = PackageLoader("vedette_analyzer.notifying", "templates")
_HTML = Environment(loader=_TEMPLATES, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_TEXT = Environment(loader=_TEMPLATES, autoescape=False, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701


class Entry(NamedTuple):
    """One alert as a message shows it: a heading, and a label and a line for all that may be seen."""

    severity: str
    colour: str
    heading: str
    lines: tuple[tuple[str, str], ...]


class Words(NamedTuple):
    """A message in words, to be put into any form."""

    subject: str
    headline: str
    entries: tuple[Entry, ...]
    footer: str


def words(dispatch: Dispatch, route: Route, zone: ZoneInfo, console: str = "") -> Words:
    """Return what a message says on this route; `console` is the web console's address, to be led to."""
    entries = tuple(_entry(item, route, zone) for item in dispatch.items)
    first = entries[0]
    if len(entries) == 1:
        subject = headline = f"{first.severity.upper()}: {first.heading}"
    else:
        subject = f"{_alerts(dispatch.count)}, the gravest {first.severity}: {first.heading}"
        headline = f"{_alerts(dispatch.count)}, the gravest first"
    hidden = [sight for sight in Sight if sight not in route.may_see]
    footer = f"Told by Vedette on the route {dispatch.route}."
    if hidden:
        footer += f" Not shown on it: {', '.join(hidden)}."
    if console:
        footer += f" More: {console}/alerts" + (
            f"/{dispatch.items[0].newest.id}/incident" if len(entries) == 1 else ""
        )
    return Words(_in_header(f"[Vedette] {subject}"), headline, entries, footer)


def text(said: Words) -> str:
    """Return a message as plain text."""
    return _TEXT.get_template("message.txt.j2").render(said._asdict())


def email(
    dispatch: Dispatch,
    route: EmailRoute,
    sender: str,
    to: str,
    zone: ZoneInfo,
    console: str = "",
    *,
    is_refused: bool = False,
) -> EmailMessage:
    """Return a message as e-mail; `is_refused`: without the words of hosts and lists, which were refused."""
    said = bare(dispatch, zone) if is_refused else words(dispatch, route, zone, console)
    mail, domain = EmailMessage(policy=SMTP), sender.rpartition("@")[2]
    mail["From"], mail["To"] = f"Vedette <{sender}>", to
    mail["Subject"] = said.subject
    mail["Date"] = format_datetime(dispatch.made_at.astimezone(zone))
    mail["Message-ID"] = f"<{dispatch.id}@{domain}>"
    if (told_before := _told_before(dispatch)) is not None:
        mail["In-Reply-To"] = mail["References"] = f"<{told_before}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Vedette-Severity"] = dispatch.gravest.newest.severity
    mail.set_content(text(said), cte="quoted-printable")
    if route.html:
        html = _HTML.get_template("message.html.j2").render(said._asdict())
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def _in_header(subject: str) -> str:
    """Return a subject in which no encoded word stands: such are decoded, and may hold the end of a line."""
    return plain(subject.replace("=?", "= ?"), _MOST_SUBJECT)


def _told_before(dispatch: Dispatch) -> object:
    """Return the name of the message that this one answers: it told the same alert when it was new."""
    first = dispatch.gravest
    if first.count or len(dispatch.items) > 1:
        return None
    return first_name(dispatch.lane, first.newest)


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


def _entry(item: Item, route: Route, zone: ZoneInfo) -> Entry:
    seen = limited(item.newest, route.may_see)
    what = seen.summary or (f"an alert of {seen.detector}" if seen.detector else "an alert")
    host = "server" if seen.host == SERVER else seen.host
    heading = f"{host}: {what}" if host else what
    if item.count > 1:
        heading = f"{heading} ({item.count} times)"
    elif item.count == 0:
        heading = f"what came of it: {heading}"
    lines = tuple(
        (label, value if label == _LIST else defanged(value))
        for label, value in _lines(seen, item, zone)
        if value
    )
    return Entry(seen.severity, COLOURS[seen.severity], defanged(heading, _MOST_HEADING), lines)


def _lines(seen: Shown, item: Item, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Yield what may be seen of an alert and is not in its heading, by label."""
    if item.count > 1:
        yield "first", _time(item.first_at, zone)
    yield "last" if item.count > 1 else "time", _time(item.last_at, zone)
    if seen.indicator is not None:
        found = seen.indicator
        yield "listed", f"{found.type} {found.value!r} in the {found.where}"
        comment = f": {defanged(found.comment)}" if found.comment else ""
        yield _LIST, f"{plain(found.list)}, line {found.line}{comment}"
    yield "hit", seen.subject or ""
    yield "title", seen.title or ""
    yield "user", "" if seen.user is None else f"uid {seen.user}"
    yield "done", seen.done or ""
    yield "detector", seen.detector or ""
    yield "ATT&CK", seen.technique or ""
    yield "alert", str(seen.id)


def bare(dispatch: Dispatch, zone: ZoneInfo) -> Words:
    """Return a message without the words of hosts and lists, which were refused."""
    headline = (
        f"{_alerts(dispatch.count)} could not be sent as usual: the words were refused. "
        "The history has them under these ids."
    )
    entries = tuple(
        Entry(
            item.newest.severity,
            COLOURS[item.newest.severity],
            str(item.newest.id),
            (
                ("time", _time(item.last_at, zone)),
                ("count", str(item.count)),
            ),
        )
        for item in dispatch.items
    )
    subject = f"[Vedette] {_alerts(dispatch.count)}, the gravest {dispatch.gravest.newest.severity}"
    return Words(subject, headline, entries, f"Told by Vedette on the route {dispatch.route}.")


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
