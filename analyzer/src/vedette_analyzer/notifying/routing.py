"""Who is told what, and when: what comes and the time go in, what waits and is due comes out."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple
from uuid import uuid5
from zoneinfo import ZoneInfo

from vedette_schemas import SERVER, Action, Alert, Mode, Severity, State

from .dispatch import NAMESPACE, Item, Waiting
from .hours import is_open, next_digest, next_open, read_time
from .settings import Route
from .showing import Shown, Sight, shown

DETECTOR = "notify"
"""The detector of what is told about routes."""

SETTLE = timedelta(seconds=5)
"""How long an alert waits for what came of it; then it is told without."""

MOST_WAITING = 10_000
"""Alerts that are kept apart on a route; more are counted together."""

OTHERS = ""
"""The key of those."""

_LEVELS = list(Severity)
_HOUR = timedelta(hours=1)


class Known(NamedTuple):
    """An alert that a lane has taken before; `told` is the mark of how it was shown last, `None`: never."""

    told: str | None = None


class Taken(NamedTuple):
    """What a route makes of an alert; `waiting` takes the place of what waits under its key."""

    waiting: Waiting | None
    known: Known


def level(severity: Severity) -> int:
    """Return a number that rises with the severity."""
    return _LEVELS.index(severity)


def mark(seen: Shown) -> str:
    """Return what differs once there is something new to say of an alert; it tells nothing of it."""
    return hashlib.sha256(f"{seen.state}|{seen.done}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def wants(route: Route, alert: Alert, now: datetime, zone: ZoneInfo) -> bool:
    """Tell whether an alert is to be told on a route."""
    if alert.detector == DETECTOR and alert.host == SERVER:
        is_wanted = route.troubles
    else:
        is_wanted = (
            _LEVELS.index(alert.severity) >= _LEVELS.index(route.severity)
            and any(fnmatchcase(alert.host, pattern) for pattern in route.hosts)
            and any(fnmatchcase(alert.detector, pattern) for pattern in route.detectors)
        )
    return is_wanted and (route.outside == "wait" or is_open(route.open_hours, now, zone))


def key(route: Route, alert: Alert) -> str:
    """Return what is the same for an alert and its repeats; it tells nothing of what it is made from."""
    if not route.fold_minutes:
        return str(alert.id)
    found = alert.match
    what = alert.summary if found is None else f"{found.type}|{found.value}|{found.where}"
    # who reads of users is told of each: the next one's is not the last one's again
    user = alert.origin.uid if alert.origin is not None and Sight.USER in route.may_see else None
    words = "|".join(
        (alert.host, alert.detector, alert.severity, what, *([] if user is None else [str(user)]))
    )
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def take(
    route: Route,
    alert: Alert,
    now: datetime,
    zone: ZoneInfo,
    *,
    known: Known | None,
    waiting: Waiting | None,
    told_at: datetime | None,
    under: str,
) -> Taken:
    """Take an alert that a route wants.

    `waiting` is what waits under the key `under`, `told_at` is when that was told last. An alert that is
    known has been counted: it only says what came of it.
    """
    seen = shown(alert, route.may_see)
    if known is not None:
        return _what_came(route, seen, now, zone, known, waiting, under)
    ready = _ready(route, alert, now, zone, told_at)
    new = Item(
        newest=_of_others(seen) if under == OTHERS else seen, count=1, first_at=alert.at, last_at=alert.at
    )
    if waiting is None:
        return Taken(Waiting(under, new, ready), Known())
    return Taken(Waiting(under, _folded(waiting.item, new), min(ready, waiting.ready_at)), Known())


def due(
    route: Route, ready: datetime | None, sent: Sequence[datetime], now: datetime, zone: ZoneInfo
) -> datetime | None:
    """Return when the next message may go; `None` where nothing waits.

    `ready` is when the first of what waits is to be told, `sent` is when the last messages went, in order.
    """
    if ready is None:
        return None
    lately = [at for at in sent if now - _HOUR < at <= now]
    at = max(ready, now)
    if lately:
        at = max(at, lately[-1] + timedelta(seconds=route.gap_seconds))
    if route.most_per_hour and len(lately) >= route.most_per_hour:
        at = max(at, lately[-route.most_per_hour] + _HOUR)
    return next_open(route.open_hours, at, zone)


def latest(route: Route, now: datetime, zone: ZoneInfo) -> datetime:
    """Return until when at most anything waits that was taken by now; later is of a clock since set back."""
    if route.digest is not None:
        return next_digest(route.digest, read_time(route.digest_at), now, zone)
    return now + max(SETTLE, timedelta(minutes=route.fold_minutes))


def trouble(lane: str, since: datetime, words: str, now: datetime, *, over: bool = False) -> Alert:
    """Return what is told on the other routes about one that fails, or does no more."""
    return Alert(
        id=uuid5(NAMESPACE, f"{lane}|{since.isoformat()}|{over}"),
        state=State.FINAL,
        at=now,
        host=SERVER,
        severity=Severity.INFO if over else Severity.HIGH,
        detector=DETECTOR,
        summary=words[:1000],
        mode=Mode.ENFORCE,
        action=Action.ALERT,
        done="alerted",
    )


def others(lanes: Mapping[str, Route], failing: str) -> Mapping[str, Route]:
    """Return the lanes on which it is told that one fails: never that one itself."""
    return {name: route for name, route in lanes.items() if name != failing}


def _ready(route: Route, alert: Alert, now: datetime, zone: ZoneInfo, told_at: datetime | None) -> datetime:
    if route.digest is not None:
        return next_digest(route.digest, read_time(route.digest_at), now, zone)
    again = now if told_at is None else min(told_at, now) + timedelta(minutes=route.fold_minutes)
    # what waits for an operator may wait for long: that is the news
    settles = alert.state is State.PENDING and alert.mode is not Mode.APPROVE
    return max(again, now + SETTLE if settles else now)


def _what_came(
    route: Route,
    seen: Shown,
    now: datetime,
    zone: ZoneInfo,
    known: Known,
    waiting: Waiting | None,
    under: str,
) -> Taken:
    """Show what came of an alert where it is shown, or was as pending; elsewhere it is only counted."""
    if under == OTHERS:
        return Taken(waiting, known)
    if waiting is not None and waiting.item.newest.id == seen.id:
        item = waiting.item.model_copy(update={"newest": seen})
        ready = waiting.ready_at if route.digest or waiting.ready_at > now + SETTLE else now
        return Taken(Waiting(under, item, ready), known)
    if known.told in (None, mark(seen)) or seen.state is not State.FINAL:
        return Taken(waiting, known)
    ended = Known(mark(seen))
    if waiting is not None:  # a repeat is shown, and is newer
        return Taken(waiting, ended)
    ready = next_digest(route.digest, read_time(route.digest_at), now, zone) if route.digest else now
    item = Item(newest=seen, count=0, first_at=seen.at, last_at=seen.at)
    return Taken(Waiting(under, item, ready), ended)


def _folded(old: Item, new: Item) -> Item:
    return Item(
        newest=new.newest,
        count=old.count + new.count,
        first_at=min(old.first_at, new.first_at),
        last_at=max(old.last_at, new.last_at),
    )


def _of_others(seen: Shown) -> Shown:
    """Return what stands for alerts of many kinds: it shows none of them."""
    words = "further alerts, of more kinds than are kept apart; the history has them"
    return Shown(id=seen.id, state=State.FINAL, at=seen.at, severity=seen.severity, summary=words)
