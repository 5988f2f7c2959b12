"""The program that hunts, as the analyzer sees it: started for each change of the lists, one at a time."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from vedette_schemas import Alert, MessageError, Severity, decode
from vedette_transport import Call, Inbox

from ..orders import Effect
from ..troubles import trouble
from ..words import count, day_and_time
from ..work import Then
from .generations import Generations
from .said import Ended, Hit, Line, Progress
from .telling import untold

log = logging.getLogger(__name__)

MOST_STARTS = 3
"""How often it is started for the same lists, if it dies."""

RETRY_SECONDS = 5.0
_LONGEST_LINE = 2**18

Told = Callable[[Hit, datetime], Iterator[Effect]]
"""What a hit leads to."""


@dataclass(frozen=True, slots=True)
class Hunted:
    """The program said something; `None`: it ended without a result, and is not started again."""

    generation: int
    said: Hit | Progress | Ended | None


class Hunter:
    """Has the archive searched for what lists hold since they were last hunted for.

    What is found is put into the inbox. A hunt is over once its alerts are archived, and begins again where
    this program or ours is killed before that: what it tells has the same ids.
    """

    def __init__(self, archive: Path, generations: Generations, inbox: Inbox) -> None:
        """Search `archive`; nothing is started yet."""
        self._archive, self._generations, self._inbox = archive, generations, inbox
        self._wanted: SimpleQueue[int] = SimpleQueue()
        self._is_settled = threading.Event()
        self._fact = "on: nothing new to search for"

    def start(self, stopping: threading.Event) -> None:
        """Hunt from now on for what is `wanted`, until `stopping`."""
        threading.Thread(target=self._run, args=(stopping,), name="hunting", daemon=True).start()

    def hunt(self, generation: int) -> None:
        """Hunt for these lists, once all that was judged before they were in force is archived."""
        self._wanted.put(generation)

    def settle(self, generation: int) -> None:
        """Take note that all is archived that a hunt told."""
        self._generations.settle(generation)
        self._is_settled.set()

    def take(self, hunted: Hunted, now: datetime, told: Told) -> Iterator[Effect | Then]:
        """Take in what the program said; yield what that leads to, `told` for each hit."""
        match hunted.said:
            case Hit():
                yield from told(hunted.said, now)
            case Progress(entries=entries, share=share):
                self._fact = f"on: searching the archive for {_many(entries)}: {share:.0%}"
            case Ended():
                yield from self._ended(hunted.said, now)
                yield Then(partial(self.settle, hunted.generation))
            case None:
                self._fact = "off: it failed; what is listed now was not searched for"
                yield _failed(now)

    @property
    def fact(self) -> str:
        """What a heartbeat says of it."""
        return self._fact

    def _ended(self, ended: Ended, now: datetime) -> Iterator[Alert]:
        if ended.entries:
            found = f"{ended.hits} found" if ended.hits else "none found"
            self._fact = f"on: searched for {_many(ended.entries)} at {day_and_time(now)}: {found}"
            log.info("searched %d observations for %s: %s", ended.observations, _many(ended.entries), found)
        yield from untold(ended, now)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            wanted = self._wanted.get()
            known = self._generations.begin(wanted)
            if known is None:
                continue  # others were listed since
            self._is_settled.clear()
            if self._hunt(known, wanted, stopping):
                self._is_settled.wait()
            elif not stopping.is_set():
                self._inbox.put(Call(Hunted(wanted, None)))

    def _hunt(self, known: int, wanted: int, stopping: threading.Event) -> bool:
        """Have it hunt until it tells what came of it; return whether it did."""
        for _ in range(MOST_STARTS):
            try:
                if self._once(known, wanted):
                    return True
            except OSError as error:
                log.error("nothing can be hunted for: %s", error.strerror)  # noqa: TRY400
            if stopping.wait(RETRY_SECONDS):
                break
        return False

    def _once(self, known: int, wanted: int) -> bool:
        places = ["--archive", str(self._archive), "--folder", str(self._generations.folder)]
        which = ["--known", str(known), "--wanted", str(wanted), "--parent", str(os.getpid())]
        words = [sys.executable, "-P", "-m", "vedette_analyzer.hunting", *places, *which]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None  # noqa: S101 (it is a pipe)
            is_over = self._listen(program.stdout, wanted)
            if not is_over:
                program.kill()
        return is_over

    def _listen(self, lines: IO[bytes], wanted: int) -> bool:
        """Put what it says into the inbox; return whether it said what came of it, and all could be read."""
        is_over = False
        while line := lines.readline(_LONGEST_LINE):
            try:
                said = decode(Line, line).said
            except MessageError as error:
                log.error("what hunts said something that can't be read: %s", error)  # noqa: TRY400
                return False
            is_over = isinstance(said, Ended)
            self._inbox.put(Call(Hunted(wanted, said)))
        return is_over


def _many(entries: int) -> str:
    return count(entries, "new entry", "new entries")


def _failed(now: datetime) -> Alert:
    words = (
        "the archive could not be searched for what is listed now; it is tried again with the next change of"
        " the lists, or when the analyzer is started again; 'vedette hunt' searches for one entry"
    )
    return trouble("hunt", Severity.MEDIUM, words, now=now)
