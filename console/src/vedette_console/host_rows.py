"""What is known of each host, and what of it should be looked at. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from vedette_schemas import Life, MessageError, Mode, Principal, Program

from .actions import left
from .ca import Entry
from .lines import count

if TYPE_CHECKING:
    from vedette_archive import Fate, Heard, Reader

SILENT = timedelta(seconds=65)
"""Two heartbeats of a program failed to come; the analyzer reckons so as well."""

_LATELY = timedelta(days=7)
"""For so long a host is one to look at after it has lost something; what it lost is counted for ever."""

_ISOLATED = re.compile(r"isolated until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d UTC")
"""How an enforcer's fact `in_force` begins."""

_UNRENEWED = 4
"""A certificate of whose life less than a fourth is left should have been renewed: hosts do at a third."""

_PROGRAMS = (Program.SENSOR, Program.ENFORCER)
_MODES = frozenset(Mode)


class Seen(NamedTuple):
    """What the archive knows of hosts: each program as it was last heard, and what was never archived.

    `losing` are those hosts that have lost something of late.
    """

    programs: "Sequence[Heard]"
    losses: "Mapping[str, Mapping[Fate, int]]"
    losing: frozenset[str] = frozenset()

    @classmethod
    def by(cls, reader: "Reader", now: datetime) -> Self:
        """Ask an archive."""
        return cls(reader.senders(), reader.losses(), reader.losing(now - _LATELY))

    @property
    def newest(self) -> datetime:
        """When any host was heard last; there has to be one."""
        return max(heard.heard_at for heard in self.programs)

    def is_stale(self, now: datetime) -> bool:
        """Tell whether no host was heard for so long that it is rather we who hear nothing."""
        expected = any(heard.life is Life.RUNNING for heard in self.programs)
        return expected and now - self.newest > SILENT


class Row(NamedTuple):
    """A host. `marks` say what should be looked at; `ends_at` is when the first of its certificates ends.

    `held` is how many observations waited in its spools at its last heartbeats; `is_losing` is whether it
    lost some of late.
    """

    host: str
    heard_at: datetime | None
    versions: list[str]
    ceiling: Mode | None
    held: int | None
    lost: dict[str, int]
    is_losing: bool
    ends_at: datetime | None
    is_revoked: bool
    marks: list[str]
    facts: dict[str, Mapping[str, str]]


def rows(seen: Seen, entries: Iterable[Entry] | None, now: datetime) -> list[Row]:
    """Return the hosts by name; `entries` are what the CA has issued, `None` where that is not known.

    One that was revoked before it was ever heard is none.
    """
    of_host: dict[str, list[Heard]] = {}
    for heard in seen.programs:
        of_host.setdefault(Principal.parse(heard.principal).host, []).append(heard)
    issued = None if entries is None else _of_hosts(entries)
    names = sorted({*of_host, *(issued or ())})
    when = seen.newest if seen.is_stale(now) else now
    found = (
        _row(
            name,
            of_host.get(name, []),
            None if issued is None else issued.get(name, []),
            {str(fate): count for fate, count in seen.losses.get(name, {}).items()},
            when,
            now,
            is_losing=name in seen.losing,
        )
        for name in names
    )
    return [row for row in found if row.heard_at or not row.is_revoked]


def _of_hosts(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return the newest certificate of each program of each host."""
    newest: dict[Principal, Entry] = {}
    for entry in entries:
        try:
            principal = Principal.parse(entry.principal)
        except MessageError:
            continue
        if principal.program in _PROGRAMS:
            before = newest.get(principal)
            newest[principal] = entry if before is None or entry.issued_at > before.issued_at else before
    found: dict[str, list[Entry]] = {}
    for principal, entry in newest.items():
        found.setdefault(principal.host, []).append(entry)
    return found


def _row(
    name: str,
    programs: "list[Heard]",
    issued: list[Entry] | None,
    lost: dict[str, int],
    when: datetime,
    now: datetime,
    *,
    is_losing: bool,
) -> Row:
    told = {heard.principal: heard.told for heard in programs if heard.told is not None}
    ceiling = next((each.facts.get("mode") for each in told.values() if "mode" in each.facts), None)
    good = [entry for entry in issued or () if entry.revoked_at is None and entry.ends_at > now]
    is_revoked = bool(issued) and all(entry.revoked_at is not None for entry in issued or ())
    marks = [*_of_life(programs, when), *_of_certificates(issued, good, now, is_revoked=is_revoked)]
    marks += _of_isolation(programs)
    marks += [f"{count(number, 'observation')} {fate}" for fate, number in lost.items() if is_losing]
    return Row(
        host=name,
        heard_at=max((heard.heard_at for heard in programs), default=None),
        versions=sorted({each.version for each in told.values()}),
        ceiling=Mode(ceiling) if ceiling in _MODES else None,
        held=sum(each.held for each in told.values()) if told else None,
        lost=lost,
        is_losing=is_losing,
        ends_at=min((entry.ends_at for entry in good), default=None),
        is_revoked=is_revoked,
        marks=marks,
        facts={principal: each.facts for principal, each in told.items()},
    )


def _of_life(programs: "list[Heard]", when: datetime) -> Iterator[str]:
    if not programs:
        yield "was never heard"
        return
    states = {heard.principal: _state(heard, when) for heard in programs}
    if len(set(states.values())) == 1:
        (state,) = set(states.values())
        if state:
            yield state
        return
    for principal, state in states.items():
        if state:
            yield f"{Principal.parse(principal).program} {state}"


def _of_isolation(programs: "list[Heard]") -> Iterator[str]:
    """Tell of an isolation by the enforcer's own word: it knows of one that a restored archive does not."""
    for heard in programs:
        if heard.told is None or heard.life is not Life.RUNNING:
            continue
        found = _ISOLATED.match(heard.told.facts.get("in_force", ""))
        if found is not None:
            yield f"is {found[0]}"


def _state(heard: "Heard", when: datetime) -> str:
    """Return what is not as it should be with a program."""
    match heard.life:
        case Life.STOPPED:
            return "was stopped"
        case Life.GONE:
            return "is gone without having been stopped"
        case Life.RUNNING:
            return "is silent" if when - heard.heard_at > SILENT else ""


def _of_certificates(
    issued: list[Entry] | None, good: list[Entry], now: datetime, *, is_revoked: bool
) -> Iterator[str]:
    if issued is None:
        return
    if is_revoked:
        yield "is revoked"
    elif not issued:
        yield "is not enrolled with this CA"
    elif len(good) < len(issued):
        yield "has a certificate that is revoked or has ended"
    late = [entry for entry in good if now > entry.ends_at - (entry.ends_at - entry.issued_at) / _UNRENEWED]
    if late:
        yield f"was not renewed: its certificate ends in {left(min(each.ends_at for each in late) - now)}"
