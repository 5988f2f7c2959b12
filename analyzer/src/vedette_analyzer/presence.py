"""Who is there: a host that falls silent and a program that stops are told, an orderly end is not."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from vedette_schemas import Alert, Life, Principal, Severity, Status

from .troubles import trouble

SILENT_SECONDS = 65.0
"""A host of which nothing was heard for so long is silent: two heartbeats of each program failed to come."""

STOPPED_SECONDS = 100.0
"""Longer, so that a program of a host that has died is told as the host's silence, once."""

RESTART_SECONDS = 5.0
"""How long a program may be away to be started anew, before the other one's heartbeat tells on it."""

MAX_HOSTS = 20_000


@dataclass(slots=True)
class _Seen:
    """A program: its life and since when, and when it last spoke itself (seconds of a clock never set)."""

    life: Life
    since: float
    spoke: float
    connection: str = ""
    is_told: bool = False


@dataclass(slots=True)
class _Host:
    programs: dict[Principal, _Seen] = field(default_factory=dict[Principal, _Seen])
    silent_since: float | None = None

    @property
    def last_heard(self) -> float:
        return max(seen.spoke for seen in self.programs.values())

    @property
    def is_expected(self) -> bool:
        """Whether any of its programs has not ended in order."""
        return any(seen.life is not Life.STOPPED for seen in self.programs.values())


class Presence:
    """The programs of all hosts, each as it was last heard of; the host heard longest ago is forgotten."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def restore(self, principal: Principal, life: Life, now: float) -> None:
        """Expect a program that an earlier analyzer heard."""
        self._host(principal.host).programs[principal] = _Seen(life, now, now)

    def listening_again(self, now: float) -> None:
        """Forgive all silence: it was we who did not hear."""
        for host in self._hosts.values():
            for seen in host.programs.values():
                seen.spoke = seen.since = now

    def heard(self, status: Status, now: float, at: datetime) -> Iterator[Alert]:
        """Take in a heartbeat, a farewell or a last will; `now` is in seconds, `at` the time of day."""
        principal = Principal.parse(status.principal)
        host = self._host(principal.host)
        before = host.programs.get(principal)
        is_old = before is not None and before.connection not in ("", status.connection)
        if is_old and status.life is Life.GONE:
            return  # the will of a connection that another has followed
        if before and before.life is not Life.RUNNING and status.life in (Life.GONE, before.life):
            return  # an end is an end, but a farewell says more than a will
        if status.life is not Life.RUNNING:
            # a will is the broker's word, not its own
            spoke = before.spoke if before and status.life is Life.GONE else now
            told = before.is_told if before else False
            host.programs[principal] = _Seen(status.life, now, spoke, status.connection, is_told=told)
            return
        host.programs[principal] = _Seen(Life.RUNNING, now, now, status.connection)
        if host.silent_since is not None:
            away = _in_words(now - host.silent_since)
            host.silent_since = None
            yield trouble(
                "silent-host",
                Severity.INFO,
                f"{principal.host} is back after {away}",
                now=at,
                host=principal.host,
            )
        elif before and before.is_told:
            yield trouble(
                "stopped-program", Severity.INFO, f"{principal} is back", now=at, host=principal.host
            )
        for other, its in host.programs.items():
            if its.life is not Life.RUNNING and not its.is_told and now - its.since > RESTART_SECONDS:
                its.is_told = True
                yield _stopped(other, its.life, at)

    def tick(self, now: float, at: datetime) -> Iterator[Alert]:
        """Tell of who has not been heard for too long."""
        for name, host in self._hosts.items():
            if host.silent_since is not None or not host.is_expected:
                continue
            if now - host.last_heard > SILENT_SECONDS:
                host.silent_since = host.last_heard
                words = f"{name} has been silent for {_in_words(now - host.last_heard)}"
                yield trouble("silent-host", Severity.HIGH, words, now=at, host=name)
                continue
            for principal, seen in host.programs.items():
                if seen.life is Life.RUNNING and not seen.is_told and now - seen.spoke > STOPPED_SECONDS:
                    seen.is_told = True
                    yield _stopped(principal, Life.GONE, at)

    def _host(self, name: str) -> _Host:
        host = self._hosts.setdefault(name, _Host())
        self._hosts.move_to_end(name)
        if len(self._hosts) > MAX_HOSTS:
            self._hosts.popitem(last=False)
        return host


def _stopped(principal: Principal, life: Life, at: datetime) -> Alert:
    how = "was stopped" if life is Life.STOPPED else "is gone without having been stopped"
    words = f"{principal} {how}, while {principal.host} is still there"
    return trouble("stopped-program", Severity.HIGH, words, now=at, host=principal.host)


def _in_words(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 120 else f"{minutes} min"  # noqa: PLR2004
