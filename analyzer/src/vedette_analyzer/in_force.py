"""What operators keep in files, to judge by: lists, feeds, what is guarded, what is protected."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from vedette_archive import Entry
from vedette_schemas import ANALYZER, Alert, Severity
from vedette_transport import Call, Inbox

from .detectors.lists import Lists
from .feeds.child import FeedKeeper
from .guarding import GuardFiles, GuardRead
from .hunting.child import Hunter
from .hunting.generations import Generations
from .settings import AnalyzerSettings
from .troubles import trouble
from .watch import ListFiles, ListsRead, watch
from .words import count
from .work import Then

log = logging.getLogger(__name__)


class _Lists:
    """The lists, each reading of which is kept to be hunted for."""

    def __init__(self, files: ListFiles, generations: Generations) -> None:
        self._files, self._generations = files, generations

    def kept(self, reading: ListsRead) -> ListsRead:
        """Keep what is read now: before it is in force, since its files may be replaced after that."""
        return replace(reading, generation=self._generations.write(reading.sources))

    def changed(self) -> ListsRead | None:
        """Return what the lists are since the last look; `None` if nothing was edited."""
        reading = self._files.changed()
        return None if reading is None else self.kept(reading)


class InForce:
    """What is in force: `lists` for detectors, `guarded` for policy. It is replaced by what is taken.

    `hunter` searches the archive for what is new on the lists.
    """

    def __init__(self, settings: AnalyzerSettings, folder: Path, inbox: Inbox) -> None:
        """Read all, relative to `folder`; raise `SettingsError` where one can't be used."""
        beside = (folder / settings.archive).with_name
        self._inbox = inbox
        self._feeds = FeedKeeper(settings.feeds and folder / settings.feeds, beside("feeds"))
        lists = [folder / name for name in settings.lists]
        self._files = ListFiles(lists, beside("compiled-lists"), self._feeds.lists)
        generations = Generations(beside("hunting"))
        self.hunter = Hunter(folder / settings.archive, generations, inbox)
        self._kept = _Lists(self._files, generations)
        first = self._kept.kept(self._files.first())
        guard = [folder / name for name in settings.guard]
        self._guard_files = GuardFiles(guard, settings.protect and folder / settings.protect)
        guarding = self._guard_files.first()
        self.lists, self._guard = Lists(first.table, guarding.look_alikes), guarding.guard
        self._entries = first.entries
        inbox.put(Call(first))

    def start(self, stopping: threading.Event) -> None:
        """Put what is edited or fetched into the inbox from now on, until `stopping`."""
        watching = ((self._kept, self._guard_files), self._inbox, stopping)
        threading.Thread(target=watch, args=watching, name="watch", daemon=True).start()
        self._feeds.start(self._inbox, stopping, self._files)
        self.hunter.start(stopping)

    def guarded(self, target: str) -> str | None:
        """Return why a host, address or network is too common to block, if it is."""
        return self._guard.guarded(target)

    def take(self, reading: ListsRead | GuardRead, now: datetime) -> Iterator[Alert | Entry | Then]:
        """Judge by this from now on; yield what operators should know of it, and what to do after that."""
        if isinstance(reading, ListsRead):
            self.lists.table, self._entries = reading.table, reading.entries
            said = f"{count(reading.entries, 'indicator')} in force"
            if reading.generation is not None:
                yield Then(partial(self.hunter.hunt, reading.generation))
        else:
            self._guard, self.lists.look_alikes = reading.guard, reading.look_alikes
            said = f"{count(len(reading.guard), 'name')} guarded, {len(reading.look_alikes)} protected"
        log.info("%s", said)
        yield Entry(now, str(ANALYZER), "lists.read", said, facts={"problems": len(reading.problems)})
        for problem in reading.problems:
            log.warning("%s", problem)
            yield trouble("list", Severity.MEDIUM, problem, now=now)

    @property
    def entries(self) -> int:
        """How many entries the lists in force have."""
        return self._entries

    @property
    def facts(self) -> dict[str, str]:
        """What a heartbeat says of it."""
        return {"indicators": f"on: {self._entries} in force", "hunt": self.hunter.fact}
