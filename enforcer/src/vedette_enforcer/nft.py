"""Addresses and isolation: Vedette's table in the kernel's packet filter, by the program `nft`."""

import os
import shutil
import signal
import subprocess
import sys
import threading

from . import ruleset
from .clock import Clock
from .part import ActError
from .ruleset import Sets
from .surroundings import Surroundings
from .wanted import Wanted

if sys.platform != "linux":
    raise ImportError("not built for this system yet")

_PATIENCE = 10.0
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_EVERY = 5
"""Looks at the table that are left out before one is taken: each runs a program."""


class Rules:
    """The table as it was left; what others do to it is found by looking."""

    name = "addresses"

    def __init__(self, clock: Clock) -> None:
        """Nothing is known of what is there."""
        self._clock = clock
        self._left: Sets | None = None
        self._shape = ""
        self._may_be_there = True
        self._looks = 0

    def ability(self) -> str:
        """Say whether it works here."""
        if _nft() is None:
            return "off: nft is not installed"
        return "on" if os.geteuid() == 0 else "off: not root"

    def apply(self, wanted: Wanted, around: Surroundings) -> None:
        """Change the elements that differ, or put the whole table there anew."""
        ability = self.ability()
        if ability != "on" and wanted.only_names:
            return  # a blocked name then leads nowhere, though it is not refused at once
        if ability != "on":
            raise ActError(ability.removeprefix("off: "))
        if not wanted.rules:
            self._remove()
            return
        now = self._clock().uptime
        sets = ruleset.sets(wanted, around)
        left, self._left = self._left, None
        self._may_be_there = True
        if left is None or not self._change(left, sets, now):
            _run(ruleset.whole(sets, now))
            self._shape = ruleset.read(_list(), now)[1]
        self._left = sets

    def disturbed(self) -> bool:
        """Tell, every few times, whether these are not the elements and rules that were left there."""
        if self._left is None:
            return False
        self._looks += 1
        if self._looks % _EVERY:
            return False
        now = self._clock().uptime
        try:
            present, shape = ruleset.read(_list(), now)
            if shape == self._shape and not ruleset.difference(present, self._left, now):
                return False
        except ActError:  # no such table, most likely
            pass
        self._left = None
        return True

    def _change(self, left: Sets, sets: Sets, now: float) -> bool:
        alive = {
            name: {key: ends for key, ends in elements.items() if ends is None or ends > now}
            for name, elements in left.items()
        }
        commands = ruleset.difference(alive, sets, now)
        try:
            if commands:
                _run(commands)
        except ActError:  # someone else was there
            return False
        return True

    def _remove(self) -> None:
        """Take the table away, if one is there: on a host where nothing is blocked nothing is written."""
        if self._may_be_there and _is_there():
            _run(ruleset.gone())
        self._left, self._may_be_there = None, False


def _nft() -> str | None:
    return shutil.which("nft", path=_PATH)


def _list() -> bytes:
    return _run("", "--json", "list", "table", *ruleset.TABLE.split())


def _is_there() -> bool:
    try:
        _list()
    except ActError:
        return False
    return True


def _run(commands: str, *arguments: str) -> bytes:
    nft = _nft()
    if nft is None:
        raise ActError("nft is not installed")
    try:
        running = subprocess.Popen(
            [nft, *(arguments or ("--file", "-"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C"},
            cwd="/",
        )
    except OSError as error:
        raise ActError(f"nft can't be run: {error.strerror}") from None
    # Not a time-out of `communicate`, which then looks each millisecond whether nft has ended: half its time.
    patience = threading.Timer(_PATIENCE, running.kill)
    patience.daemon = True
    patience.start()
    try:
        with running:
            told, complained = running.communicate(commands.encode())
    finally:
        patience.cancel()
    if running.returncode == -signal.SIGKILL:
        raise ActError(f"nft took longer than {_PATIENCE:g} s, or was killed")
    if running.returncode:
        said = complained.decode("utf-8", "replace").partition("\n")[0]
        raise ActError(f"nft refused: {said[:200] or running.returncode}")
    return told
