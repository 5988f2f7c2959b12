"""A row that somebody wants on a list: what it would have hit, and putting it there."""

import csv
import fcntl
import io
import os
import stat
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from vedette_archive.walking import Walk
from vedette_indicators import COLUMNS, Indicator, IndicatorTable, ListProblem, RefusedError, read_list
from vedette_indicators.lists import read_row
from vedette_indicators.observed import KINDS
from vedette_schemas import SettingsError

from ..hunting import Found, newest, search
from .analyzer_settings import read_analyzer
from .settings import ConsoleSettings

LOOK_SECONDS = 10.0
"""How long the past is looked at while somebody waits."""

_SHOWN = 10
_MOST_BYTES = 16 * 2**20


class Proposed(NamedTuple):
    """A row, and the line that says it."""

    row: Indicator
    line: str


class WouldHaveHit(NamedTuple):
    """What a row would have hit: how often on which host, the newest of them, and how much was looked at."""

    hosts: tuple[tuple[str, int], ...]
    newest: tuple[Found, ...]
    hits: int
    looked_at: int
    total: int

    @property
    def is_all(self) -> bool:
        """Tell whether all was looked at."""
        return self.looked_at >= self.total


class _EnoughError(Exception):
    """Nobody waits longer."""


def propose(fields: Mapping[str, str]) -> Proposed:
    """Return the row that these columns make, read as a list is; raise `SettingsError` in words."""
    cells = [fields.get(column, "").strip() for column in COLUMNS]
    if any(not cell.isprintable() for cell in cells):
        raise SettingsError("a row is one line of text that can be seen")
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    line = written.getvalue()
    try:
        return Proposed(read_row(line, "", 1), line)
    except RefusedError as error:
        raise SettingsError(str(error)) from None


def would_have_hit(archive: Path, row: Indicator, since: datetime) -> WouldHaveHit:
    """Look at what was seen since, for as long as somebody waits; raise `ArchiveError`."""
    deadline, looked_at = time.monotonic() + LOOK_SECONDS, 0

    def step(number: int) -> None:
        nonlocal looked_at
        looked_at += number
        if time.monotonic() > deadline:
            raise _EnoughError

    hosts: Counter[str] = Counter()
    with Walk(archive, KINDS, since) as walk:
        kept: list[Found] = []
        try:
            for each in search(walk, IndicatorTable((row,)), step):
                hosts[each.host] += 1
                kept.append(each)
                if len(kept) > 100 * _SHOWN:
                    kept, _ = newest(iter(kept), _SHOWN)
        except _EnoughError:
            pass
        else:
            looked_at = walk.total
        last, _ = newest(iter(kept), _SHOWN)
        return WouldHaveHit(tuple(hosts.most_common()), tuple(last), hosts.total(), looked_at, walk.total)


def target_of(settings: ConsoleSettings) -> tuple[Path | None, str]:
    """Return the list that rows are added to, or why there is none."""
    target = settings.list
    if target is None:
        return None, "The console's settings name no 'list' that it may write to."
    try:
        runs = read_analyzer(settings.analyzer)
    except SettingsError as error:
        return None, str(error)
    if runs is None:
        return None, "The analyzer's settings are not known here: does it read that list?"
    if target.resolve() not in {each.resolve() for each in runs.lists}:
        return None, (
            f"The analyzer does not read {target}, which the console's settings name as 'list':"
            " give it to 'vedette up' as --list as well, or to the analyzer in its 'lists'."
        )
    return target, ""


def add(path: Path, proposed: Proposed) -> int:
    """Add a row to a list's end and return its line; raise `SettingsError` where that can't be.

    The list is read before and with the row, as the analyzer reads it: nothing is written that would not
    serve.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb+", buffering=0) as file:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
                raise SettingsError(f"{path}: no file, or larger than {_MOST_BYTES >> 20} MiB")
            text = file.readall().decode("utf-8", "surrogateescape")
            added = ("" if text.endswith("\n") or not text else "\n") + proposed.line + "\n"
            line = _would_serve(text, text + added, path)
            octets = added.encode()
            if os.write(descriptor, octets) != len(octets):
                raise SettingsError(f"{path}: only a part could be written: look at its last line")
            os.fsync(descriptor)
    except OSError as error:
        raise SettingsError(f"{path}: can't be written: {error.strerror}") from None
    return line


def _would_serve(before: str, after: str, path: Path) -> int:
    """Return the line of the new row; raise `SettingsError` where the list's reader would not take it."""
    try:
        (known, _), (rows, bad) = read_list(before, name=path.name), read_list(after, name=path.name)
    except ListProblem as problem:
        raise SettingsError(str(problem)) from None
    last = max((row.line for row in rows), default=0)
    if len(rows) != len(known) + 1:
        why = next((each.reason for each in reversed(bad) if each.line > last), "it is there already")
        raise SettingsError(f"{path.name}: the row would not serve: {why}")
    return last
