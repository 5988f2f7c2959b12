"""Acts that begin and end suppressions, and what is archived of a finding that one hides."""

from datetime import datetime, timedelta

from vedette_archive import Hidden, Suppression, SuppressionEnded
from vedette_indicators import IndicatorType, RefusedError, canonical
from vedette_schemas import SERVER, Act, Alert, Lift, ListEntry, Scope, Severity, Suppress

from .answering import Done, NotDoneError
from .orders import Effect
from .suppressions import MAX_SUPPRESSIONS, Suppressions
from .telling import ACT
from .troubles import trouble
from .words import day_and_time, for_how_long, short


def suppress(
    suppressions: Suppressions, what: Suppress, act: Act, now: datetime, effects: list[Effect]
) -> Done:
    """Begin a suppression, in the place of one of the same scope; raise `NotDoneError` where it can't be."""
    scope = what.scope
    _refuse_what_is_ours(scope, suppressions)
    new = Suppression(
        id=act.id,
        author=act.author,
        reason=what.reason,
        since=now,
        until=now + timedelta(seconds=what.ttl_seconds),
        host=scope.host,
        detector=scope.detector,
        indicator=None if scope.indicator is None else _entry(scope.indicator),
    )
    if not suppressions.has_room(new):
        raise NotDoneError(f"{MAX_SUPPRESSIONS} suppressions are in force: lift some, or name wider ones")
    before = suppressions.begin(new)
    until = f"until {day_and_time(new.until)}, for {for_how_long(what.ttl_seconds)}"
    instead = ""
    if before is not None:
        effects.append(SuppressionEnded(before.id, now, act.author))
        instead = f", in the place of {short(before.id)}"
    # Without an entry it hides what nobody has seen yet: worth a look by who only looks at what matters.
    severity = Severity.MEDIUM if new.indicator is None else Severity.INFO
    summary = f"{act.author} suppresses {new.covers}: {new.reason}"
    effects += [new, _told(act, severity, summary, f"suppressed {until}", now, new.host)]
    return Done(f"suppressed {until}{instead}: {new.covers}")


def lift(suppressions: Suppressions, what: Lift, act: Act, now: datetime, effects: list[Effect]) -> Done:
    """End a suppression before its time; raise `NotDoneError` where it is not in force."""
    found = suppressions.end(what.suppression_id, now)
    if found is None:
        raise NotDoneError(f"suppression {short(what.suppression_id)} is not in force")
    effects.append(SuppressionEnded(found.id, now, act.author))
    summary = f"{act.author} lifts what {found.author} suppressed: {found.covers}"
    effects.append(_told(act, Severity.INFO, summary, "lifted", now, found.host))
    return Done(f"lifted, and told again from now on: {found.covers}")


def hidden(alert: Alert, by: Suppression) -> Hidden:
    """Return an alert that nobody is told, with what hides it."""
    words = f"hidden until {day_and_time(by.until)}: suppressed by {by.author}: {by.reason}"
    return Hidden(by.id, alert.model_copy(update={"done": words[:1000]}))


def _refuse_what_is_ours(scope: Scope, suppressions: Suppressions) -> None:
    """Raise `NotDoneError` where a scope names what tells of Vedette itself, or nothing that there is."""
    if scope.host == SERVER:
        raise NotDoneError("alerts about Vedette itself can't be suppressed")
    if scope.detector is not None and scope.detector not in suppressions.detectors:
        those = ", ".join(sorted(suppressions.detectors))
        raise NotDoneError(f"alerts of {scope.detector} can't be suppressed; those can of: {those}")


def _entry(entry: ListEntry) -> str:
    """Return what names an entry in a finding; raise `NotDoneError` where no list can have it."""
    try:
        kind = IndicatorType(entry.type)
        return f"{kind}|{canonical(kind, entry.value)}"
    except RefusedError as refused:
        raise NotDoneError(f"no list can hold that {entry.type}: {refused}") from None
    except ValueError:
        types = ", ".join(IndicatorType)
        raise NotDoneError(f"{entry.type} is no type of indicator; those are: {types}") from None


def _told(act: Act, severity: Severity, summary: str, done: str, now: datetime, host: str | None) -> Alert:
    alert = trouble(ACT, severity, summary, now=now, host=host or SERVER, name=f"{act.id}|told")
    return alert.model_copy(update={"done": done})
