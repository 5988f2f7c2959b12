"""What each route does, in words, and what is still to be told on it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from .sending import Sender
from .settings import NotifySettings, Route
from .showing import Sight
from .standing import Depth, Trouble

_LABEL = 10


def described(
    settings: NotifySettings,
    senders: Mapping[str, Sender],
    found: Mapping[str, tuple[Depth, Trouble | None]],
) -> Iterator[str]:
    """Yield what each route does, and how its lanes stand."""
    for name, route in settings.route.items():
        lanes = [lane for lane in settings.lanes if lane.partition("/")[0] == name]
        yield name
        for label, words in _lines(route, senders[lanes[0]]):
            yield f"  {label:<{_LABEL}}{words}"
        for lane in lanes:
            yield f"  {'waiting':<{_LABEL}}{_standing(lane.partition('/')[2], *found.get(lane, _NOTHING))}"


def counted(
    settings: NotifySettings,
    senders: Mapping[str, Sender],
    found: Mapping[str, tuple[Depth, Trouble | None]],
) -> dict[str, object]:
    """Return the same for programs, as JSON has it; of secrets it names the files."""
    routes: dict[str, object] = {}
    for name, route in settings.route.items():
        lanes = [lane for lane in settings.lanes if lane.partition("/")[0] == name]
        waiting = {lane: _counted(*found.get(lane, _NOTHING)) for lane in lanes}
        through = str(senders[lanes[0]])
        routes[name] = {**route.model_dump(mode="json"), "through": through, "waiting": waiting}
    return routes


_NOTHING = (Depth(0, 0, None), None)


def _lines(route: Route, sender: Sender) -> Iterator[tuple[str, str]]:
    whom = f" to {', '.join(route.to)}" if route.by == "email" else ""
    yield "tells", f"by {route.by}{whom}, through {sender}"
    whose = f"{_patterns('host', route.hosts)}, {_patterns('detector', route.detectors)}"
    yield "alerts", f"{route.severity} or graver, of {whose}"
    yield "when", _when(route)
    yield "shows", ", ".join(sight for sight in Sight if sight in route.may_see) or "severity and time alone"
    if hidden := [sight for sight in Sight if sight not in route.may_see]:
        yield "not", ", ".join(hidden)
    yield (
        "repeats",
        (
            f"counted in the next message for {route.fold_minutes} min"
            if route.fold_minutes
            else "each by itself"
        ),
    )
    if route.troubles:
        yield "and", "that another route fails"


def _patterns(what: str, patterns: tuple[str, ...]) -> str:
    return f"all {what}s" if patterns == ("*",) else f"{what}s {', '.join(patterns)}"


def _when(route: Route) -> str:
    if route.digest == "daily":
        when = f"once a day at {route.digest_at}"
    elif route.digest == "hourly":
        when = "once an hour"
    else:
        when = "at once"
    if route.most_per_hour and route.digest is None:
        when += f", {route.most_per_hour} messages an hour at most"
    if route.hours:
        outside = "what comes outside of them waits" if route.outside == "wait" else "not outside of them"
        when += f", {', '.join(route.hours)}; {outside}"
    return when


def _standing(mailbox: str, depth: Depth, trouble: Trouble | None) -> str:
    words = f"{mailbox}: " if mailbox else ""
    if not depth.alerts and not depth.outgoing:
        words += "nothing"
    else:
        since = "" if depth.oldest is None else f", the oldest since {_time(depth.oldest)}"
        words += f"{depth.alerts} alert{'' if depth.alerts == 1 else 's'}{since}"
    return words if trouble is None else f"{words}; fails since {_time(trouble.since)}: {trouble.why}"


def _counted(depth: Depth, trouble: Trouble | None) -> dict[str, object]:
    return {
        "alerts": depth.alerts,
        "oldest": None if depth.oldest is None else depth.oldest.isoformat(),
        "fails_since": None if trouble is None else trouble.since.isoformat(),
        "why": None if trouble is None else trouble.why,
    }


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M UTC}"
