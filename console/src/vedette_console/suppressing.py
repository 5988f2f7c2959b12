"""From an alert, or what an operator typed, to what is to be suppressed."""

from collections.abc import Iterable

from pydantic import ValidationError
from vedette_indicators import IndicatorType, RefusedError, canonical
from vedette_schemas import (
    MAX_ENTRY,
    MAX_REASON,
    MAX_TTL,
    Alert,
    Kind,
    ListEntry,
    Scope,
    SettingsError,
    Suppress,
)

from .lines import plain

DEFAULT_TIME = "7d"

_TYPES = frozenset(str(kind) for kind in IndicatorType)
_NO_FINDINGS = frozenset({Kind.OUTCOME, Kind.STOPPED})


def scope_of(alert: Alert, *, everywhere: bool = False) -> Scope | None:
    """Return what an alert like this one is suppressed by: on its host, or `everywhere`.

    An entry of a list is suppressed whichever detector finds it; without an entry it is all that the detector
    finds. `None` where that can't be: it tells of Vedette itself, or of what an operator did.
    """
    if alert.match is None and (alert.origin is None or alert.origin.kind in _NO_FINDINGS):
        return None
    host = None if everywhere else alert.host
    if alert.match is None:
        return Scope(host=host, detector=alert.detector)
    if len(alert.match.value) > MAX_ENTRY:  # an alert may not even tell all of it
        return None
    try:
        return Scope(host=host, indicator=ListEntry(type=alert.match.type, value=alert.match.value))
    except ValidationError:
        return None


def suppress_all(
    alerts: Iterable[Alert], *, reason: str, seconds: int, everywhere: bool = False
) -> list[Suppress]:
    """Return the acts that suppress alerts like these, each scope once.

    What can't be suppressed is left out. Raise `SettingsError` for a bad reason or time.
    """
    scopes = {scope: None for alert in alerts if (scope := scope_of(alert, everywhere=everywhere))}
    return [wanted(scope, reason=reason, seconds=seconds) for scope in scopes]


def wanted(scope: Scope, *, reason: str, seconds: int) -> Suppress:
    """Return the act that suppresses this for so long; raise `SettingsError` for a bad reason or time."""
    if not 1 <= seconds <= MAX_TTL:
        raise SettingsError(
            f"something is suppressed for at most {MAX_TTL // 86_400} days; a list can allow it"
        )
    try:
        return Suppress(scope=scope, reason=reason, ttl_seconds=seconds)
    except ValidationError:
        raise SettingsError(
            f"the reason has to be one line of 1 to {MAX_REASON} characters: others will read it"
        ) from None


def read_entry(text: str, alerts: Iterable[Alert] = ()) -> ListEntry:
    """Read `host evil.test`; without a type it is the entry that hit in one of these alerts.

    Raise `SettingsError` where it is neither, or no list can hold it.
    """
    text = text.strip()
    kind, _, value = text.partition(" ")
    if value and kind.lower() in _TYPES:
        return _entry(IndicatorType(kind.lower()), value)
    found = {
        (match.type, match.value): None
        for alert in alerts
        if (match := alert.match) is not None
        and len(match.value) <= MAX_ENTRY
        and text.lower() in (match.value.lower(), match.subject.lower())
    }
    if len(found) == 1:
        ((kind, value),) = found
        return _entry(IndicatorType(kind), value)
    if found:
        those = " or ".join(f"'{plain(' '.join(each), 80)}'" for each in found)
        raise SettingsError(f"--indicator {plain(text, 80)!r} can be several: give {those}")
    raise SettingsError(
        f"--indicator {plain(text, 80)!r}: no alert of late is about that; say which type of entry it is, one"
        f" of {', '.join(IndicatorType)}: --indicator 'host {plain(text, 80)}'"
    )


def _entry(kind: IndicatorType, value: str) -> ListEntry:
    try:
        return ListEntry(type=kind, value=canonical(kind, value))
    except RefusedError as refused:
        raise SettingsError(
            f"--indicator: no list can hold the {kind} {plain(value, 80)!r}: {refused}"
        ) from None
    except ValidationError:
        raise SettingsError(f"--indicator: the {kind} is too long to be named, or no single line") from None
