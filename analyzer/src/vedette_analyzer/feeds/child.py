"""The program that keeps feeds, as the analyzer sees it: lists to watch, and troubles that it tells of."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from vedette_schemas import MessageError, SettingsError, Severity, decode
from vedette_transport import CANNOT_GO_ON, Call, Inbox, backoff, load_settings

from ..edited import stamp
from ..watch import LOOK_SECONDS, ListFiles
from .folder import FeedFiles
from .settings import FeedsSettings
from .trouble import FeedTrouble

log = logging.getLogger(__name__)

_LONGEST_LINE = 65_536
_STEADY_SECONDS = 60.0


class FeedKeeper:
    """Runs it, and again when it dies; it ends with us, whatever ends us."""

    def __init__(self, settings: Path | None, folder: Path) -> None:
        """Make an empty list of each feed that never came; raise `SettingsError` where that can't be.

        Without settings there are none.
        """
        self._settings, self._folder = settings, folder
        self.lists = tuple(feed_lists(settings, folder))
        try:
            for path in self.lists:
                FeedFiles(folder, path.stem).begin()
        except OSError as error:
            raise SettingsError(f"{folder}: feeds can't be kept there: {error.strerror}") from None

    def start(self, inbox: Inbox, stopping: threading.Event, files: ListFiles) -> None:
        """Begin, if there are feeds; what it tells is put into `inbox`, until `stopping`.

        `files` are told which lists are made of feeds, whenever that is said anew.
        """
        if self._settings is None:
            return
        args = (self._settings, inbox, stopping, files)
        threading.Thread(target=self._run, args=args, name="feeds", daemon=True).start()

    def _run(self, settings: Path, inbox: Inbox, stopping: threading.Event, files: ListFiles) -> None:
        delays = backoff(first=1.0, longest=300.0)
        while not stopping.is_set():
            began, seen = time.monotonic(), stamp(settings)
            try:
                code = self._once(inbox)
            except OSError as error:
                code = -1
                log.error("feeds can't be kept: %s", error.strerror)  # noqa: TRY400
            if stopping.is_set():
                return
            if code != 0:
                inbox.put(Call(_ended(code)))
            if code in (0, CANNOT_GO_ON):  # its settings were edited, or must be before it can go on
                while code and stamp(settings) == seen and not stopping.wait(LOOK_SECONDS):
                    pass
                self._take_settings(inbox, files)
                continue
            if time.monotonic() - began > _STEADY_SECONDS:
                delays = backoff(first=1.0, longest=300.0)
            stopping.wait(next(delays))

    def _take_settings(self, inbox: Inbox, files: ListFiles) -> None:
        """Watch the lists of the feeds that are named now; what can't be read changes nothing."""
        try:
            lists = feed_lists(self._settings, self._folder)
            for path in lists:
                FeedFiles(self._folder, path.stem).begin()
        except (SettingsError, OSError):  # what keeps feeds says so too
            return
        for path in set(lists) - set(self.lists):
            _tell(inbox, path, "new; its entries are in force as soon as it is fetched")
        for path in set(self.lists) - set(lists):
            _tell(inbox, path, "taken out; its entries are in force no more")
        self.lists = files.feeds = tuple(lists)

    def _once(self, inbox: Inbox) -> int:
        places = ["--settings", str(self._settings), "--folder", str(self._folder)]
        words = [sys.executable, "-P", "-m", "vedette_analyzer.feeds", *places, "--parent", str(os.getpid())]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None  # noqa: S101 (it is a pipe)
            _listen(program.stdout, inbox)
            return program.wait()


def feed_lists(settings: Path | None, folder: Path) -> list[Path]:
    """Return the lists that are made of feeds; raise `SettingsError` where the settings can't be used."""
    if settings is None:
        return []
    return [FeedFiles(folder, name).list for name in load_settings(FeedsSettings, settings).feed]


def _tell(inbox: Inbox, path: Path, what: str) -> None:
    key, summary = f"{what[:3]}|{path.stem}|{time.time():.0f}", f"feed {path.stem}: {what}"
    inbox.put(Call(FeedTrouble(key=key, severity=Severity.INFO, summary=summary)))


def _listen(lines: IO[bytes], inbox: Inbox) -> None:
    while line := lines.readline(_LONGEST_LINE):
        try:
            inbox.put(Call(decode(FeedTrouble, line)))
        except MessageError as error:
            log.warning("what keeps feeds said something that can't be read: %s", error)


def _ended(code: int) -> FeedTrouble:
    how = (
        "can't go on; its last words are in the analyzer's log"
        if code == CANNOT_GO_ON
        else "is started again"
    )
    summary = f"what keeps feeds has ended ({code}) and {how}; what was fetched stays in force"
    return FeedTrouble(key=f"ended|{time.time():.0f}", severity=Severity.MEDIUM, summary=summary)
