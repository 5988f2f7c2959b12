"""From finding to verdict: whom to tell and what to do. The table is DESIGN.md's, a function a row."""

from collections.abc import Callable
from dataclasses import dataclass

from vedette_indicators import IndicatorType, ListAction, block_target
from vedette_schemas import (
    Action,
    BlockedAddress,
    BlockedHost,
    BlockedPage,
    ClipboardCopied,
    ConnectionOpened,
    Observation,
    Outcome,
    Process,
    ProcessStarted,
    ProgramHashed,
    Stopped,
    Terminate,
    Where,
    WindowFocused,
)

from .finding import Finding
from .programs import shows_what_others_wrote


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about a finding.

    `block` is the URL, host or address to block, `order` what an enforcer is told now. `reason` says
    why it is no more than this, where the indicator asked for more.
    """

    action: Action
    order: Terminate | None = None
    block: str | None = None
    reason: str = ""


Guarded = Callable[[str], str | None]
"""Tells why a host, address or network is too common to block, if it is."""

_PLACES = frozenset(
    {IndicatorType.HOST, IndicatorType.URL, IndicatorType.IP, IndicatorType.IP_PORT, IndicatorType.CIDR}
)


def decide(finding: Finding, observation: Observation, guarded: Guarded | None = None) -> Verdict:
    """Return what the indicator's action means for this kind of observation, whatever the mode.

    Nobody is cut off from what is `guarded`, and nothing ended for having been there: that alerts.
    """
    verdict = _decide(finding, observation)
    if guarded is None or verdict.action is Action.ALERT:
        return verdict
    reason = too_common(finding, guarded, verdict.block)
    return verdict if reason is None else Verdict(Action.ALERT, reason=reason)


def too_common(finding: Finding, guarded: Guarded, block: str | None = None) -> str | None:
    """Return why what is to be blocked for a finding, or what hit, is too common; `None` if it is not."""
    is_about_a_place = finding.match is not None and finding.match.indicator.type in _PLACES
    place = block or (finding.blockable if is_about_a_place else None)
    return guarded(_whole(place)) if place is not None else None


def _whole(place: str) -> str:
    """Return the host, address or network that blocking would cut off; nothing where it is one page."""
    match block_target(place):
        case BlockedHost(name=name):
            return name
        case BlockedAddress(network=network):
            return network
        case BlockedPage(host=host, path="/"):
            return host
        case _:
            return ""


def _decide(finding: Finding, observation: Observation) -> Verdict:
    if finding.wants is ListAction.ALERT or finding.match is None:
        return Verdict(Action.ALERT)
    match observation:
        case WindowFocused():
            return _window(finding, observation)
        case ClipboardCopied():
            return _block(finding)
        case ProcessStarted() | ProgramHashed():
            return _program(finding, observation.process, observation.uid)
        case ConnectionOpened():
            return _connection(finding, observation)
        case Outcome() | Stopped():
            return Verdict(Action.ALERT)


def _window(finding: Finding, window: WindowFocused) -> Verdict:
    if finding.where is Where.PROGRAM:
        return _program(finding, window.process, window.uid)
    if finding.where is Where.TITLE_END:
        return Verdict(Action.ALERT, reason="the title ends like a listed program, which proves nothing")
    if finding.wants is ListAction.BLOCK:
        return _block(finding)
    if finding.spoken_of:
        return Verdict(Action.ALERT, reason="it is spoken of (defanged, a mail address, within another URL)")
    return _terminate_for_its_title(window)


def _terminate_for_its_title(window: WindowFocused) -> Verdict:
    if window.process is None:
        return Verdict(Action.ALERT, reason="whose window it is can't be told")
    if window.pid_from != "server":
        return Verdict(Action.ALERT, reason="whose window it is rests on the window's own word")
    if shows_what_others_wrote(window.process.executable, window.os):
        return Verdict(Action.ALERT, reason="a browser, office or shell program is not ended for its title")
    return Verdict(Action.TERMINATE, order=Terminate(process=window.process, uid=window.uid, others=False))


def _program(finding: Finding, process: Process | None, uid: int | None) -> Verdict:
    if finding.wants is not ListAction.TERMINATE:
        return Verdict(Action.ALERT, reason="a program can't be blocked")
    if process is None:
        return Verdict(Action.ALERT, reason="which process it is can't be told")
    return Verdict(Action.TERMINATE, order=Terminate(process=process, uid=uid))


def _block(finding: Finding) -> Verdict:
    """Block what was named; where nothing that can be blocked was, tell."""
    if finding.blockable is None:
        return Verdict(Action.ALERT, reason="it names no URL, host or address to block")
    return Verdict(Action.BLOCK, block=finding.blockable)


def _connection(finding: Finding, connection: ConnectionOpened) -> Verdict:
    verdict = _block(finding)
    if finding.wants is ListAction.BLOCK:
        return verdict
    if connection.process is None:
        return Verdict(verdict.action, block=verdict.block, reason="which process opened it can't be told")
    order = Terminate(process=connection.process, uid=connection.uid)
    return Verdict(Action.TERMINATE, order=order, block=verdict.block)
