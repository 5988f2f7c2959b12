"""What went in and what the archive holds: the account that each test of a fault gives."""

import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vedette_archive import check

from tests.faults.running import until
from tests.faults.site import Host, Server, Site

Name = tuple[str, int, int]
"""An observation of a load: its host, the session's life, and its number there."""

_WORDS = re.compile(r"number (\d+)-(\d+) of the flood")
_LOSSES = ("missing", "spool-lost", "spool-went-back", "archive-went-back")
"""Detectors whose alerts say that something was lost, which nobody declared."""


@dataclass(frozen=True)
class Account:
    """What went in, and what became of it. `lost` is below 0 where more was declared than is not there."""

    went_in: int
    archived: int
    declared: int
    lost: int
    twice: int
    commands: int
    answered: int
    expired: int
    acted_twice: int
    alarms: tuple[str, ...]
    damage: tuple[str, ...]

    def assert_nothing_lost(self, *, expired: int = 0) -> None:
        """Every observation is archived once, every command answered by one act, and no alarm was false."""
        assert self.damage == ()
        assert (self.lost, self.twice, self.acted_twice) == (0, 0, 0), self
        assert self.answered + self.expired == self.commands, self
        assert self.expired <= expired, self
        if not self.declared:
            assert self.alarms == ()


def settle(site: Site, within: float = 60.0, since: float | None = None) -> float:
    """Wait until all that went in is archived or declared, and no command is open; return the seconds.

    They count from `since`, when the fault was over, or else from now, when the load is.
    Then every sensor is started anew, so that it tells of each stream that it ever had: the archive closes
    them, or has something to say.
    """
    began = time.monotonic() if since is None else since
    until(lambda: not _waiting(site), "all is archived and answered", within, every=0.1)
    took = time.monotonic() - began
    for host in site.hosts:
        host.sensor.kill()
    until(lambda: not _open_streams(site), "all earlier streams are closed", within, every=0.2)
    return took


def account(site: Site) -> Account:
    """Give the account of a site that has settled."""
    went_in = _went_in(site.hosts)
    archived = _archived(site.server)
    known = Counter({name: count for name, count in archived.items() if name in went_in})
    declared = _declared(site.server)
    rows = _ask(site.server, "SELECT id, ending FROM commands WHERE action = 'terminate'")
    endings = Counter(ending for _, ending in rows)
    acts = Counter(
        outcome["command_id"]
        for outcome in _bodies(site.server, "outcome")
        if outcome.get("command_id") and outcome["status"] == "done" and not outcome.get("repeated")
    )
    return Account(
        went_in=len(went_in),
        archived=len(known),
        declared=declared,
        lost=len(went_in) - len(known) - declared,
        twice=sum(count - 1 for count in archived.values()),
        commands=len(rows),
        answered=len(rows) - endings["expired"] - endings[None],
        expired=endings["expired"],
        acted_twice=sum(count - 1 for count in acts.values())
        + sum(len(host.ended_heirs()) for host in site.hosts),
        alarms=tuple(
            f"{detector}: {json.loads(body)['summary']}"
            for detector, body in _ask(site.server, "SELECT detector, body FROM alerts")
            if detector in _LOSSES
        ),
        damage=tuple(check(site.server.archive)),
    )


def not_done(server: Server) -> list[str]:
    """Return why hosts did not do what they were ordered to."""
    return [body["reason"] for body in _bodies(server, "outcome") if body["status"] != "done"]


def archived_count(server: Server) -> int:
    """Return how many windows and copied texts there are, those that can't be read among them."""
    query = """SELECT count(*) FROM observations WHERE kind IN ('window', 'clipboard')
        UNION ALL SELECT count(*) FROM unreadable"""
    return sum(count for (count,) in _ask(server, query))


def await_archived(server: Server, count: int) -> None:
    """Wait until there are so many."""
    until(lambda: archived_count(server) >= count, f"{count:,} observations are archived")


def alerts(server: Server, detector: str) -> list[dict[str, Any]]:
    """Return the alerts of a detector."""
    rows = _ask(server, "SELECT body FROM alerts WHERE detector = ? ORDER BY sequence", detector)
    return [json.loads(body) for (body,) in rows]


def _went_in(hosts: Iterable[Host]) -> set[Name]:
    return {
        (host.name, life, number)
        for host in hosts
        for life in range(1, host.lives + 1)
        for number in range(1, host.count(life).taken + 1)
    }


def _archived(server: Server) -> Counter[Name]:
    query = """SELECT s.host, o.body FROM observations o JOIN streams s ON s.id = o.stream_id
        WHERE o.kind IN ('window', 'clipboard')"""
    set_aside = "SELECT s.host, u.body FROM unreadable u JOIN streams s ON s.id = u.stream_id"
    names: Counter[Name] = Counter()
    for host, body in _ask(server, query):
        if (found := _WORDS.search(body)) is not None:
            names[host, int(found[1]), int(found[2])] += 1
    for host, raw in _ask(server, set_aside):
        if (found := _WORDS.search(raw.decode())) is not None:
            names[host, int(found[1]), int(found[2])] += 1
    return names


def _declared(server: Server) -> int:
    query = """SELECT ifnull(sum(r.last - r.first + 1), 0) FROM ranges r JOIN streams s ON s.id = r.stream_id
        WHERE r.fate = 'dropped' AND s.kind IN ('window', 'clipboard')"""
    return sum(count for (count,) in _ask(server, query))


def _waiting(site: Site) -> bool:
    taken = sum(host.count(life).taken for host in site.hosts for life in range(1, host.lives + 1))
    if archived_count(site.server) + _declared(site.server) < taken:
        return True
    if _went_in(site.hosts) - _archived(site.server).keys() and not _declared(site.server):
        return True
    return bool(_ask(site.server, "SELECT 1 FROM commands WHERE ending IS NULL AND action = 'terminate'"))


def _open_streams(site: Site) -> bool:
    """Tell whether a sensor's stream that has observations is not over: its opening was before the last."""
    query = """SELECT 1 FROM streams WHERE principal LIKE 'sensor@%' AND NOT closed AND NOT vanished
        AND kind IN ('window', 'clipboard')"""
    return bool(_ask(site.server, query))


def _bodies(server: Server, kind: str) -> list[dict[str, Any]]:
    return [
        json.loads(body) for (body,) in _ask(server, "SELECT body FROM observations WHERE kind = ?", kind)
    ]


def _ask(server: Server, query: str, *values: object) -> list[Any]:
    if not server.archive.exists():
        return []
    connection = sqlite3.connect(f"file:{server.archive}?mode=ro", uri=True, timeout=20.0)
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()
