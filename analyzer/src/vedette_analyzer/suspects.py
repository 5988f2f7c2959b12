"""Observations that may have ended the analyzer: which it was judging, and a trial in a child."""

import json
import logging
import mmap
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

from vedette_archive import Place
from vedette_schemas import Observation, SettingsError, Stream, encode
from vedette_transport import Call, Inbox

log = logging.getLogger(__name__)

DEATHS = 2
"""An observation at which the analyzer died so often is judged in a child process first."""

TRIAL_SECONDS = 20.0
_SIZE = 512
_NUMBER = struct.Struct("<Q")


class JudgingMark:
    """Says which observation is being judged, on a mapped page: it costs no write, and outlives a kill."""

    def __init__(self, path: Path) -> None:
        """Open the page at `path`, or make it."""
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            os.ftruncate(descriptor, _SIZE)
            self._page = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    @classmethod
    def beside(cls, archive: Path) -> Self:
        """Open the page of an archive's analyzer; raise `SettingsError` where that can't be."""
        path = archive.with_name(archive.name + "-judging")
        try:
            return cls(path)
        except OSError as error:
            raise SettingsError(f"{path}: can't be written: {error.strerror}") from None

    def stream(self, stream: Stream) -> None:
        """Say which stream the next numbers are of."""
        self.clear()
        name = json.dumps(stream).encode()
        self._page[_NUMBER.size : _NUMBER.size + len(name) + 1] = name + b"\0"

    def number(self, number: int) -> None:
        """Say which observation is judged from now on."""
        _NUMBER.pack_into(self._page, 0, number)

    def clear(self) -> None:
        """Say that nothing is being judged."""
        _NUMBER.pack_into(self._page, 0, 0)

    def left_behind(self) -> Place | None:
        """Return what an analyzer was judging when it died; `None` if it was judging nothing."""
        (number,) = _NUMBER.unpack_from(self._page, 0)
        name = self._page[_NUMBER.size :].split(b"\0", 1)[0]
        try:
            principal, spool, kind = map(str, json.loads(name))
        except ValueError:
            return None
        return Place(Stream(principal, spool, kind), number) if 0 < number < 2**63 else None


class Trial(StrEnum):
    """How far the trial of an observation is."""

    RUNNING = "running"
    SURVIVED = "survived"
    DIED = "died"


class TrialEnded(NamedTuple):
    """A trial is over."""

    place: Place
    trial: Trial


class Suspects:
    """The observations at which the analyzer died too often, and how their trials went."""

    def __init__(self, deaths: Mapping[Place, int], settings: Path, inbox: Inbox) -> None:
        """`deaths` are counted; a trial reads the same `settings`, and its end is put into `inbox`."""
        self._trials: dict[Place, Trial | None] = {
            place: Trial.DIED if count > DEATHS else None
            for place, count in deaths.items()
            if count >= DEATHS
        }
        self._settings, self._inbox = settings, inbox

    def trial(self, place: Place, observation: Observation) -> Trial:
        """Return how the trial of an observation went; it begins when it is first asked for."""
        found = self._trials.get(place, Trial.SURVIVED)
        if found is None:
            found = self._trials[place] = Trial.RUNNING
            log.warning(
                "the analyzer died %d times at one observation: it is judged in a child first", DEATHS
            )
            threading.Thread(target=self._try, args=(place, observation), name="trial", daemon=True).start()
        return found

    def __contains__(self, place: Place) -> bool:
        return place in self._trials

    def __bool__(self) -> bool:
        return bool(self._trials)

    def ended(self, place: Place, trial: Trial) -> None:
        """Take in how a trial went."""
        self._trials[place] = trial
        log.warning("the child process %s", "survived it" if trial is Trial.SURVIVED else "died too")

    def _try(self, place: Place, observation: Observation) -> None:
        command = [sys.executable, "-m", "vedette_analyzer.trial", str(self._settings)]
        try:
            child = subprocess.run(
                command,
                input=encode(observation),
                timeout=TRIAL_SECONDS,
                check=False,
                stderr=subprocess.DEVNULL,
            )
            survived = child.returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            survived = False
        self._inbox.put(Call(TrialEnded(place, Trial.SURVIVED if survived else Trial.DIED)))
