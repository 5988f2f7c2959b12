"""One feed and how it fares: asked when it is due, put in force or held back, told of when it fails."""

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from vedette_indicators.formats import FeedRecord, FormatError, HeldBack
from vedette_schemas import Severity

from .converting import convert
from .fetching import Fetched, fetch
from .folder import FeedFiles, replacing
from .judging import Made, objection
from .reaching import SourceError
from .settings import FeedSettings
from .trouble import FeedTrouble

log = logging.getLogger(__name__)

LONG_AWAY = timedelta(hours=6)
_AT_A_TIME = threading.Lock()
"""Held while a content is read: one takes a processor, and its share of memory."""


class _ObjectedError(Exception):
    """A content was read, and is not to take the place of what is in force."""

    def __init__(self, why: str, entries: int) -> None:
        self.entries = entries
        super().__init__(why)


class Feed:
    """Keeps one feed. Its files are its memory: what is said here outlives the process."""

    def __init__(self, name: str, settings: FeedSettings, files: FeedFiles, base: Path) -> None:
        """Take up what is kept; relative paths start at `base`. Raise `OSError` where nothing can be."""
        self._name, self._settings, self._files, self._base = name, settings, files, base
        self._stamp: tuple[int, int, int] | None = (0, 0, 0)  # no file's
        self._told: set[str] = set()
        files.begin()
        facts = {
            "source": settings.shown_source[:300],
            "format": str(settings.format),
            "ceiling": str(settings.ceiling),
            "severity": str(settings.severity),
            "refresh_minutes": settings.refresh_minutes,
        }
        known = files.read()
        self.record = known.model_copy(update=facts) if known else FeedRecord.model_validate(facts)
        if self.record.held is not None and self.record.held.read_as != settings.read_as:
            # it may be read as what it is now
            self._note(held=None, etag="", last_modified="", answered_at=None)
        if self.record.asked != settings.asked:
            self._note(asked=settings.asked, etag="", last_modified="", answered_at=None)

    def begin(self, now: datetime) -> Iterator[FeedTrouble]:
        """Make the list anew where it is gone or is to be another; write down how it stands."""
        if self.record.digest and (self._files.is_empty or self.record.read_as != self._settings.read_as):
            if self._files.content.exists():
                yield from self._take(self._files.content, self.record.digest, now, judged=True)
            else:
                self._note(digest="", entries=0, etag="", last_modified="", answered_at=None)
        self._files.write(self.record)

    def is_due(self, now: datetime) -> bool:
        """Tell whether its source is to be asked, if it could be asked before."""
        if self._settings.url is None:
            return self.is_away or self._look() != self._stamp
        answered = self.record.answered_at
        return answered is None or not answered <= now < answered + self.every

    @property
    def every(self) -> timedelta:
        """How often the source is asked."""
        return timedelta(minutes=self._settings.refresh_minutes)

    @property
    def is_away(self) -> bool:
        """Tell whether the source could not be read when it was last asked."""
        return self.record.away_since is not None

    @property
    def is_accepted(self) -> bool:
        """Tell whether an operator answered about what is held back."""
        return self._files.accepted.exists()

    def update(self, now: datetime) -> Iterator[FeedTrouble]:
        """Ask the source, and take what it has; yield what operators should know."""
        self._stamp = self._look()
        try:
            fetched = self._fetch()
        except SourceError as error:
            yield from self._away(str(error), now)
            return
        self._note(answered_at=now, away_since=None, trouble="")
        if fetched is not None:
            self._note(etag=fetched.etag, last_modified=fetched.last_modified)
            if fetched.digest == self.record.digest:
                is_read = self.record.read_as == self._settings.read_as
                self._note(held=None if is_read else self.record.held)
            elif self.record.held is None or fetched.digest != self.record.held.digest:
                yield from self._take(self._files.coming, fetched.digest, now)
        self._files.coming.unlink(missing_ok=True)
        self._files.write(self.record)

    def accept(self, now: datetime) -> Iterator[FeedTrouble]:
        """Put in force what was held back, if it is what the operator has seen."""
        digest = self._files.accepts()
        self._files.accepted.unlink(missing_ok=True)
        held = self.record.held
        if held is not None and held.entries and held.digest == digest:
            yield from self._take(self._files.held, digest, now, judged=True)
            self._files.write(self.record)

    def _fetch(self) -> Fetched | None:
        kept = self._files.content if self.record.held is None else self._files.held
        known = kept.exists()
        with self._files.coming.open("wb") as into:
            return fetch(
                self._settings,
                self._base,
                into,
                etag=self.record.etag if known else "",
                last_modified=self.record.last_modified if known else "",
            )

    def _take(
        self, content: Path, digest: str, now: datetime, *, judged: bool = False
    ) -> Iterator[FeedTrouble]:
        """Put a content in force or hold it back; one that is `judged` already, only if it has no entries."""
        try:
            made = self._make(content, judged=judged)
        except (FormatError, _ObjectedError) as problem:
            held = HeldBack(
                since=now,
                why=_cut(str(problem)),
                digest=digest,
                read_as=self._settings.read_as,
                entries=problem.entries if isinstance(problem, _ObjectedError) else 0,
            )
            yield from self._hold(content, held)
        else:
            content.replace(self._files.content)
            if digest != self.record.digest:
                self._note(digest=digest, changed_at=now)
            self._note(**made._asdict(), read_as=self._settings.read_as, held=None)
            log.info("%s: %d entries, %d lines refused", self._name, made.entries, made.refused)

    def _make(self, content: Path, *, judged: bool) -> Made:
        with _AT_A_TIME, replacing(self._files.list) as into:
            made = convert(self._settings, content, into)
            if not judged or not made.entries:
                why = objection(self.record, made, self._settings.format)
                if why:
                    raise _ObjectedError(why, made.entries)
        return made

    def _hold(self, content: Path, held: HeldBack) -> Iterator[FeedTrouble]:
        if content != self._files.content:
            content.replace(self._files.held)
        self._note(held=held)
        count = self.record.entries
        old = f"the {count} old entries stay in force" if count else "none are in force"
        how = f"; 'vedette feeds accept {self._name}' takes it" if held.entries else ""
        summary = f"held back what came, {old}: {held.why}{how}"
        yield self._trouble(f"held|{held.digest}", Severity.MEDIUM, summary)

    def _away(self, why: str, now: datetime) -> Iterator[FeedTrouble]:
        since = self.record.away_since or now
        self._note(away_since=since, trouble=_cut(why))
        self._files.coming.unlink(missing_ok=True)
        self._files.write(self.record)
        last = self.record.answered_at or since
        if not self.record.digest:
            yield from self._once(f"never|{since}", Severity.MEDIUM, f"can't be fetched: {why}")
        elif now - last >= max(3 * self.every, LONG_AWAY):
            old = f"its {self.record.entries} entries stay in force"
            summary = f"not fetched since {last:%Y-%m-%d %H:%M} UTC, {old}: {why}"
            yield from self._once(f"away|{since}", Severity.LOW, summary)

    def _once(self, key: str, severity: Severity, summary: str) -> Iterator[FeedTrouble]:
        if key not in self._told:
            self._told = {key}
            yield self._trouble(key, severity, summary)

    def _trouble(self, key: str, severity: Severity, summary: str) -> FeedTrouble:
        log.warning("%s: %s", self._name, summary)
        words = _cut(f"feed {self._name}: {summary}")
        return FeedTrouble(feed=self._name, key=f"{self._name}|{key}", severity=severity, summary=words)

    def _note(self, **changes: object) -> None:
        self.record = self.record.model_copy(update=changes)

    def _look(self) -> tuple[int, int, int] | None:
        """Return what changes with each edit of a source that is a file."""
        try:
            found = (self._base / self._settings.source).stat() if self._settings.url is None else None
        except OSError:
            return None
        return found and (found.st_mtime_ns, found.st_size, found.st_ino)


def _cut(words: str) -> str:
    return words[:1_000]
