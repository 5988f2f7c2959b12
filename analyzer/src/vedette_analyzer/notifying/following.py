"""Takes alerts out of the archive and into the queue: from where it last was, so that none is missed."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from vedette_archive import ArchiveError, Cursor, OtherArchiveError, Reader
from vedette_schemas import Alert, MessageError

from ..faults import trace
from .queue import Queue, QueueError
from .settings import NotifySettings

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200

_PATIENCE = 0.5
_JUST_NOW = timedelta(minutes=5)
_MOST_JUST_NOW = 500
_AGAIN = timedelta(days=1)
"""How far back alerts count where the archive is another one: those that are known are told no more."""


class Follower:
    """Reads the archive, whatever becomes of it."""

    def __init__(self, path: Path, queue: Queue, settings: NotifySettings) -> None:
        """Follow the archive at `path`, which need not be there yet."""
        self._path, self._queue, self._settings = path, queue, settings
        self._reader: Reader | None = None
        self._file: tuple[int, int] | None = None
        self._said = ""
        self.is_well = False
        """Whether the archive was read and the queue written when that was tried last."""

    def go_on(self, now: datetime) -> set[str] | None:
        """Take in some of what is new; return the lanes it waits in, `None` where nothing is new."""
        try:
            reader = self._open(now)
            found = None if reader is None else self._read(reader, now)
        except (ArchiveError, QueueError) as error:
            self.is_well = False
            self._say(str(error))
            self.close()
            return None
        self.is_well = reader is not None
        return found

    def close(self) -> None:
        """Let go of the archive."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open(self, now: datetime) -> Reader | None:
        """Return the archive as it is there now; `None` where none is."""
        try:
            status = self._path.stat()
        except OSError:
            self._say(f"{self._path} is not there yet: the analyzer makes it")
            return None
        file = status.st_dev, status.st_ino
        if self._reader is not None and file != self._file:
            self.close()
        if self._reader is None:
            self._reader = Reader(self._path, patience=_PATIENCE)
            if self._file not in (None, file):
                self._begin_again(self._reader, now)
            self._file = file
            self._begin(self._reader, now)
            log.info("following %s", self._path)
            self._said = ""
        return self._reader

    def _begin(self, reader: Reader, now: datetime) -> None:
        """Begin with what came just now, where nothing was followed so far: all was started together."""
        if self._queue.follower() is not None:
            return
        start = Cursor(reader.name, 0)
        for told in reader.newest_alerts(_MOST_JUST_NOW):
            if told.alert.at < now - _JUST_NOW:
                start = told.cursor
                break
            start = Cursor(reader.name, told.cursor.sequence - 1)
        self._queue.begin(start, None)

    def _begin_again(self, reader: Reader, now: datetime) -> None:
        """Take up what another archive has of the last day: of what is known nothing is told again."""
        self._queue.begin(Cursor(reader.name, 0), now - _AGAIN)
        log.warning("%s is another archive than before; its last day is read anew", self._path)

    def _read(self, reader: Reader, now: datetime, most: int = MOST_AT_ONCE) -> set[str] | None:
        """Take in one page; `None` where there is none. What can't be taken in is passed over by itself."""
        followed = self._queue.follower()
        assert followed is not None  # noqa: S101 (it was begun)
        cursor, since = followed
        beyond = Cursor(cursor.archive, cursor.sequence + 1)
        try:
            page = reader.alerts_after(cursor, most)
            if not page:
                return None
            beyond = page[-1].cursor
            return self._take(
                [each.alert for each in page if since is None or each.alert.at >= since], beyond, now
            )
        except OtherArchiveError:
            self._begin_again(reader, now)
            return set()
        except (ArchiveError, QueueError):
            raise
        except Exception as error:  # noqa: BLE001 (one alert must not keep all others from being told)
            if most > 1:
                return self._read(reader, now, 1)
            why = str(error) if isinstance(error, MessageError) else trace(error)
            self._say(f"an alert can't be told: {why}")
            return self._take([], beyond, now)

    def _take(self, alerts: list[Alert], cursor: Cursor, now: datetime) -> set[str]:
        return self._queue.take(alerts, self._settings.lanes, now, self._settings.zone, cursor)

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            log.warning("%s", words)
