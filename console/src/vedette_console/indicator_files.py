"""Lists from files, whichever format they are in."""

import io
import os
import stat
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TextIO, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID
from vedette_indicators import Indicator, ListAction
from vedette_indicators.compiled import CompiledList
from vedette_indicators.compiling import compile_list
from vedette_indicators.formats import (
    BEGINNING,
    MAX_LINE,
    Columns,
    Entry,
    Format,
    FormatError,
    Items,
    Place,
    detect,
    read_feed,
)
from vedette_indicators.lists import MAX_BAD_LINES, Rows
from vedette_indicators.shelves import DictShelf, Shelf
from vedette_schemas import Severity, VedetteError

from .lines import plain

OURS, DETECT = "vedette", "auto"
FORMATS = (DETECT, OURS, *Format)
MAX_BYTES = 512 * 2**20
MAX_ENTRIES = 5_000_000
_EACH = 4_096

_T = TypeVar("_T")


class UnusableError(VedetteError):
    """What was named can't be used."""


class How(NamedTuple):
    """How to read a file: as one of `FORMATS`, and by which columns if it is CSV."""

    format: str
    columns: Columns | None


class Listed(NamedTuple):
    """What a file holds: `bad` are the lines (or ids) that do not serve, each with why in a sentence."""

    format: str
    rows: tuple[Indicator, ...]
    bad: Sequence[tuple[Place, str]]
    repeated: int


def read_file(path: Path, how: How) -> Listed:
    """Read a list in any format; raise `VedetteError` where it can't be used."""
    with opened(path) as file, progress() as shown:
        form = _format(path, file, how)
        task = shown.add_task(_reading(path), total=os.fstat(file.fileno()).st_size)
        if form is None:
            rows = Rows(path.name)
            text = io.TextIOWrapper(file, "utf-8-sig", "replace")
            rows.read(_watched(enumerate(_lines(text), start=1), file, shown, task))
            bad = [(line.line, line.reason) for line in rows.bad.told()]
            return Listed(OURS, rows.good(), bad, rows.repeated)
        try:
            return _feed(form, _watched(read_feed(form, file, how.columns), file, shown, task), path.name)
        except FormatError as problem:
            raise UnusableError(f"{path}, read as {form}: {problem}") from None


def shelf(path: Path, how: How) -> tuple[Shelf, Sequence[tuple[Place, str]]]:
    """Return what a file holds as the table takes it, and what of it does not serve.

    A list of our own is read as the analyzer reads a large one: in a third of the time.
    """
    with opened(path) as file, progress() as shown:
        if _format(path, file, how) is None:
            shown.add_task(_reading(path), total=None)
            return _compiled(path.name, file.read())
    listed = read_file(path, how)
    return DictShelf(listed.rows), listed.bad


@contextmanager
def opened(path: Path) -> Generator[io.BufferedReader]:
    """Open a file that is a file: a pipe would hold us up, a device has no end. Raise `UnusableError`."""
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UnusableError(f"{path}: not a file; what comes from a pipe has to be put into one")
            if found.st_size > MAX_BYTES:
                raise UnusableError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
            yield file
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None


def progress() -> Progress:
    """Return a progress bar on stderr, which is not there where that is no terminal."""
    screen = Console(stderr=True)
    return Progress(console=screen, transient=True, disable=not screen.is_terminal)


def _reading(path: Path) -> str:
    return f"reading {escape(plain(path.name, 40))}"


def _watched(items: Iterable[_T], file: io.BufferedReader, shown: Progress, task: TaskID) -> Iterator[_T]:
    for number, item in enumerate(items):
        if not number % _EACH:
            shown.update(task, completed=file.tell())
        yield item


def _format(path: Path, file: io.BufferedReader, how: How) -> Format | None:
    """Return what the file is to be read as; nothing for a list of our own."""
    if how.format == OURS:
        return None
    if how.format != DETECT:
        return Format(how.format)
    if how.columns is not None:
        return Format.CSV
    beginning = file.read(BEGINNING)
    file.seek(0)
    try:
        return detect(beginning)
    except FormatError as problem:
        raise UnusableError(f"{path}: {problem}") from None


def _lines(text: TextIO) -> Iterator[str]:
    """Yield lines of which no more is in memory than it takes to refuse them."""
    while line := text.readline(MAX_LINE + 1):
        yield line.removesuffix("\n")
        while line and not line.endswith("\n"):
            line = text.readline(MAX_LINE)


def _feed(form: Format, items: Items, name: str) -> Listed:
    rows: dict[tuple[object, ...], Indicator] = {}
    bad: list[tuple[Place, str]] = []
    repeated = refused = 0
    for item in items:
        if not isinstance(item, Entry):
            refused += 1
            if refused <= MAX_BAD_LINES:
                bad.append((item.place, f"{item.reason}: {item.excerpt}"))
            continue
        row = _row(item, name)
        repeated += rows.setdefault((row.type, row.value, row.expires), row) is not row
        if len(rows) > MAX_ENTRIES:
            raise FormatError(f"more than {MAX_ENTRIES:,} entries")
    if refused > MAX_BAD_LINES:
        bad.append((bad[-1][0], f"{refused - MAX_BAD_LINES} more after this one can't be used"))
    return Listed(form, tuple(rows.values()), bad, repeated)


def _row(entry: Entry, name: str) -> Indicator:
    """Return an entry as the row that a feed makes of it by default: it alerts."""
    has_line = isinstance(entry.place, int)
    return Indicator(
        type=entry.type,
        value=entry.value,
        written=entry.value,
        action=ListAction.ALERT,
        severity=Severity.MEDIUM,
        expires=entry.expires,
        source="" if has_line else str(entry.place),
        attack="",
        comment=entry.note,
        list=name,
        line=entry.place if isinstance(entry.place, int) else 0,
    )


def _compiled(name: str, content: bytes) -> tuple[Shelf, Sequence[tuple[Place, str]]]:
    with TemporaryDirectory(prefix="vedette-") as folder:
        target = Path(folder, "it")
        with target.open("wb") as file:
            compile_list(content.decode("utf-8", "replace").encode(), file, name=name)
        made = CompiledList(target)
    return made, [(line.line, line.reason) for line in made.bad]
