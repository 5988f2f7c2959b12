"""Hashing the programs of windows, in a thread of its own: no file is touched while observations wait."""

import hashlib
import logging
import os
import stat
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from queue import Full, Queue
from typing import NamedTuple

from vedette_schemas import Process
from vedette_transport import Call, Inbox, identify

log = logging.getLogger(__name__)

MOST_REMEMBERED = 1_000
_MOST_WAITING = 64
_CHUNK = 1024 * 1024
_Run = tuple[int, int, int, str]
"""A user's run of a program: a process that executes another program is another."""


class Hashed(NamedTuple):
    """A program's hash was found out: the process that runs it, and whose window it has."""

    process: Process
    uid: int
    sha256: str


class Hasher:
    """Finds out the SHA-256 of programs; results come through the inbox as `Call(Hashed)`."""

    def __init__(self, inbox: Inbox, limit: int) -> None:
        """Hash no file larger than `limit` bytes."""
        self._inbox, self._limit = inbox, limit
        self._waiting: Queue[tuple[Process, int]] = Queue(_MOST_WAITING)
        self._asked: OrderedDict[_Run, str | None] = OrderedDict()
        self._files: OrderedDict[tuple[int, ...], str] = OrderedDict()
        threading.Thread(target=self._go_on, name="hashing", daemon=True).start()

    def known(self, process: Process, uid: int) -> str | None:
        """Return the hash of the program of `uid`'s process, if it was found out."""
        return self._asked.get(_run(process, uid))

    def ask(self, process: Process, uid: int) -> None:
        """Have the program of `uid`'s process hashed, unless that was asked before."""
        run = _run(process, uid)
        if run in self._asked:
            self._asked.move_to_end(run)
            return
        try:
            self._waiting.put_nowait((process, uid))
        except Full:
            return  # its next window asks again
        self._asked[run] = None
        _shorten(self._asked)

    def learned(self, hashed: Hashed) -> None:
        """Remember a result; called in the program's loop, like `known` and `ask`."""
        self._asked[_run(hashed.process, hashed.uid)] = hashed.sha256
        _shorten(self._asked)

    def _go_on(self) -> None:
        while True:
            process, uid = self._waiting.get()
            try:
                found = self._hash(process, uid)
            except (OSError, ValueError) as error:
                log.debug("the program of PID %d was not hashed: %s", process.pid, error)
                continue
            if found is not None:
                self._inbox.put(Call(found))

    def _hash(self, process: Process, uid: int) -> Hashed | None:
        with Path(_program_of(process)).open("rb", buffering=0) as file:
            # Asked once the file is open: if it is this process now, it was then.
            if identify(process.pid) != process or not _is_of(process.pid, uid):
                return None  # it ended, or is another program by now, or the session named another's
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > self._limit:
                return None
            # The time of change can't be set back, the others can.
            key = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
            if key not in self._files:
                digest = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                self._files[key] = digest.hexdigest()
                _shorten(self._files)
        return Hashed(process, uid, self._files[key])


def _run(process: Process, uid: int) -> _Run:
    return uid, process.pid, process.started, process.executable


def _shorten(remembered: OrderedDict[_Run, str | None] | OrderedDict[tuple[int, ...], str]) -> None:
    while len(remembered) > MOST_REMEMBERED:
        remembered.popitem(last=False)


if sys.platform == "linux":

    def _program_of(process: Process) -> str:
        return f"/proc/{process.pid}/exe"  # the file that runs, even if its name is another's now

    def _is_of(pid: int, uid: int) -> bool:
        """Whether the process is the user's own, by its real uid: a set-uid program is too."""
        for line in Path(f"/proc/{pid}/status").read_bytes().splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[1]) == uid
        return False

else:

    def _program_of(process: Process) -> str:
        return process.executable

    def _is_of(pid: int, uid: int) -> bool:  # noqa: ARG001 (nobody tells here)
        return True
