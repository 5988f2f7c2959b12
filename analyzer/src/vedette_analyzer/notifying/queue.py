"""What is still to be told, on disk: whatever ends us, it is told, and under the same name."""

import logging
import os
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from vedette_archive import Cursor
from vedette_schemas import Alert

from . import routing
from .dispatch import MOST_ITEMS, Dispatch, Item, Waiting, dispatch
from .queue_file import QueueError, explained, open_queue
from .routing import Known
from .settings import Route
from .standing import Depth, Trouble, depth

log = logging.getLogger(__name__)

__all__ = ["Outgoing", "Queue", "QueueError"]

_HOUR = timedelta(hours=1)
_REMEMBERED = timedelta(days=3)
"""Longer than any command is open: by then an alert is final, and comes no more."""

_MOST_KNOWN = 500_000

_STRANDED = timedelta(days=30)


class Outgoing(NamedTuple):
    """A message on its way; `refused`: as it is, so that other words may get through."""

    dispatch: Dispatch
    refused: bool = False


class Queue:
    """The file of what is still to be told; used by one process, from one thread."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it, for its owner alone; raise `SettingsError` where that can't be."""
        self._path = path
        self._kinds: dict[str, int] = {}
        """How many kinds of alerts wait in a lane, where that was counted."""
        self._db, self._lock = open_queue(path)
        self._set_aside()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        os.close(self._lock)

    def follower(self) -> tuple[Cursor, datetime | None] | None:
        """Return how far the archive was followed, and from which time on alerts count; `None`: not yet."""
        for archive, sequence, since in self._ask("SELECT archive, sequence, since FROM follower"):
            return Cursor(archive, sequence), None if since is None else datetime.fromisoformat(since)
        return None

    def begin(self, cursor: Cursor, since: datetime | None) -> None:
        """Follow from here on; alerts older than `since` do not count."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO follower VALUES (1, ?, ?, ?)",
                (*cursor, None if since is None else _text(since)),
            )

    def take(
        self,
        alerts: Iterable[Alert],
        lanes: Mapping[str, Route],
        now: datetime,
        zone: ZoneInfo,
        cursor: Cursor | None = None,
    ) -> set[str]:
        """Take alerts in, and that they were followed up to `cursor`; return the lanes they wait in."""
        touched = set[str]()
        with self._transaction():
            for alert in alerts:
                for name, route in lanes.items():
                    if routing.wants(route, alert, now, zone):
                        self._take(name, route, alert, now, zone)
                        touched.add(name)
            if cursor is not None:
                self._db.execute("UPDATE follower SET sequence = ?", (cursor.sequence,))
        return touched

    def due(self, name: str, route: Route, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the next message of a lane may be made; `None` where nothing waits."""
        ((first,),) = self._ask("SELECT min(ready_at) FROM waiting WHERE lane = ?", name)
        ready = None if first is None else datetime.fromisoformat(first)
        if ready is not None and ready > (latest := routing.latest(route, now, zone)):
            ready = latest if route.digest else now
            with self._transaction():
                self._db.execute("UPDATE waiting SET ready_at = ? WHERE lane = ?", (_text(ready), name))
        rows = self._ask(
            "SELECT at FROM sent WHERE lane = ? AND at > ? ORDER BY at", name, _text(now - _HOUR)
        )
        sent = [datetime.fromisoformat(at) for (at,) in rows]
        return routing.due(route, ready, sent, now, zone)

    def pack(self, name: str, now: datetime) -> None:
        """Make a message of what waits in a lane, as much as one holds, the gravest first.

        Repeats that are held back go with it; what is told within seconds by itself does not.
        """
        with self._transaction():
            rows = self._db.execute(
                "SELECT key, item, ready_at FROM waiting"
                " WHERE lane = ?1 AND NOT (ready_at > ?2 AND ready_at <= ?3)"
                " ORDER BY gravity DESC, last_at DESC LIMIT ?4",
                (name, _text(now), _text(now + routing.SETTLE), MOST_ITEMS),
            ).fetchall()
            if not rows:
                return
            waiting = tuple(_waiting(*row) for row in rows)
            self._kinds.pop(name, None)
            body = dispatch(name, waiting, now).model_dump_json(exclude_none=True)
            self._db.execute("INSERT INTO outgoing (lane, body) VALUES (?, ?)", (name, body))
            for each in waiting:
                self._told(name, each, now)
            self._db.execute("INSERT INTO sent VALUES (?, ?)", (name, _text(now)))

    def outgoing(self, name: str) -> Outgoing | None:
        """Return the message of a lane that is on its way."""
        for body, refused in self._ask("SELECT body, refused FROM outgoing WHERE lane = ?", name):
            return Outgoing(Dispatch.model_validate_json(body), bool(refused))
        return None

    def refused(self, name: str) -> None:
        """Note that the message of a lane was refused as it is."""
        with self._transaction():
            self._db.execute("UPDATE outgoing SET refused = 1 WHERE lane = ?", (name,))

    def delivered(self, name: str) -> None:
        """Note that the message of a lane has arrived, so that it fails no more."""
        with self._transaction():
            self._db.execute("DELETE FROM outgoing WHERE lane = ?", (name,))
            self._db.execute("DELETE FROM trouble WHERE lane = ?", (name,))

    def trouble(self, name: str) -> Trouble | None:
        """Return since when a lane fails; `None` where it does not."""
        for since, why, told in self._ask("SELECT since, why, told FROM trouble WHERE lane = ?", name):
            return Trouble(datetime.fromisoformat(since), why, bool(told))
        return None

    def fails(self, name: str, why: str, now: datetime, *, told: bool = False) -> Trouble:
        """Note that a lane fails, and whether that was told; return since when."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO trouble (lane, since, why, told) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT DO UPDATE SET since = min(since, ?2), why = ?3, told = max(told, ?4)",
                (name, _text(now), why, told),
            )
        found = self.trouble(name)
        assert found is not None  # noqa: S101 (it was just written)
        return found

    def depth(self, name: str) -> Depth:
        """Return what is still to be told in a lane."""
        return depth(self._ask, name)

    def stranded(self, lanes: Collection[str]) -> dict[str, int]:
        """Return how many alerts wait in what is none of these lanes."""
        rows = self._ask("SELECT lane FROM waiting UNION SELECT lane FROM outgoing")
        return {lane: self.depth(lane).alerts for (lane,) in rows if lane not in lanes}

    def tidy(self, lanes: Iterable[str], now: datetime) -> None:
        """Forget what is not needed any more."""
        self._kinds.clear()
        with self._transaction():
            self._db.execute("DELETE FROM known WHERE at < ?", (_text(now - _REMEMBERED),))
            self._db.execute("DELETE FROM told WHERE at < ?", (_text(now - _REMEMBERED),))
            self._db.execute("DELETE FROM sent WHERE at < ?", (_text(now - _HOUR),))
            self._db.execute(
                "DELETE FROM known WHERE at < (SELECT at FROM known ORDER BY at DESC LIMIT 1 OFFSET ?)",
                (_MOST_KNOWN,),
            )
            names = list(lanes)
            marks = ", ".join("?" * len(names))
            self._db.execute(
                f"DELETE FROM waiting WHERE last_at < ? AND lane NOT IN ({marks})",  # noqa: S608
                (_text(now - _STRANDED), *names),
            )

    def _set_aside(self) -> None:
        """Forget what can't be read: it would hold up its lane for ever."""
        rows = self._ask("SELECT 'waiting', lane, key, item FROM waiting")
        rows += self._ask("SELECT 'outgoing', lane, NULL, body FROM outgoing")
        for table, lane, key, body in rows:
            try:
                (Item if table == "waiting" else Dispatch).model_validate_json(body)
            except ValidationError:
                words = "%s: something %s in %s can't be read, and is told no more"
                log.error(words, lane, table, self._path)  # noqa: TRY400 (its words may repeat an alert)
                where = "lane = ? AND key IS ?" if table == "waiting" else "lane = ? AND ? IS NULL"
                with self._transaction():
                    self._db.execute(f"DELETE FROM {table} WHERE {where}", (lane, key))  # noqa: S608

    def _take(self, name: str, route: Route, alert: Alert, now: datetime, zone: ZoneInfo) -> None:
        key = routing.key(route, alert)
        waiting = self._waiting(name, key)
        under = key
        if waiting is None and self._is_full(name):
            under = routing.OTHERS
            waiting = self._waiting(name, under)
        told = self._ask("SELECT at FROM told WHERE lane = ? AND key = ?", name, key)
        known = self._ask("SELECT told FROM known WHERE lane = ? AND alert = ?", name, str(alert.id))
        taken = routing.take(
            route,
            alert,
            now,
            zone,
            known=Known(known[0][0]) if known else None,
            waiting=waiting,
            told_at=datetime.fromisoformat(told[0][0]) if told else None,
            under=under,
        )
        if taken.waiting is not None and taken.waiting != waiting:
            self._keep(name, taken.waiting)
            if waiting is None and name in self._kinds:
                self._kinds[name] += 1
        self._db.execute(
            "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)",
            (name, str(alert.id), _text(now), taken.known.told),
        )

    def _waiting(self, name: str, key: str) -> Waiting | None:
        rows = self._ask("SELECT key, item, ready_at FROM waiting WHERE lane = ? AND key = ?", name, key)
        return _waiting(*rows[0]) if rows else None

    def _is_full(self, name: str) -> bool:
        if name not in self._kinds:
            ((self._kinds[name],),) = self._ask("SELECT count(*) FROM waiting WHERE lane = ?", name)
        return self._kinds[name] >= routing.MOST_WAITING

    def _keep(self, name: str, waiting: Waiting) -> None:
        item = waiting.item
        self._db.execute(
            "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                waiting.key,
                _text(waiting.ready_at),
                routing.level(item.newest.severity),
                item.count,
                _text(item.first_at),
                _text(item.last_at),
                item.model_dump_json(exclude_none=True),
            ),
        )

    def _told(self, name: str, waiting: Waiting, now: datetime) -> None:
        newest = waiting.item.newest
        self._db.execute("DELETE FROM waiting WHERE lane = ? AND key = ?", (name, waiting.key))
        if waiting.item.count:
            self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (name, waiting.key, _text(now)))
        self._db.execute(
            "UPDATE known SET told = ? WHERE lane = ? AND alert = ?",
            (routing.mark(newest), name, str(newest.id)),
        )

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with explained(self._path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._kinds.clear()
                if self._db.in_transaction:  # not after a full disk: SQLite has taken it back by itself
                    self._db.execute("ROLLBACK")
                raise


def _waiting(key: str, item: str, ready_at: str) -> Waiting:
    return Waiting(key, Item.model_validate_json(item), datetime.fromisoformat(ready_at))


def _text(at: datetime) -> str:
    """Return a time, always in UTC and as long: as text it sorts as it does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
