"""Reads a list: good rows serve, bad ones are reported by line, an unusable list is refused as a whole."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from vedette_schemas import Severity, VedetteError

from .canonical import RefusedError, canonical
from .indicator import Indicator, IndicatorType, ListAction

COLUMNS = ("type", "value", "action", "severity", "expires", "source", "attack", "comment")
_FEWEST = 3
"""What comes after may be left out; without an action a line that was cut off would look like a row."""

MAX_VALUE = 4_096
MAX_REMARK = 1_000
MAX_BAD_LINES = 1_000
_MAX_LINE = 16_384
_EXCERPT = 60

_LINE_END = re.compile(r"\r\n|\n|\r")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TECHNIQUE = re.compile(r"T[0-9]{4}(?:\.[0-9]{3})?")
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_NOT_BLOCKED = frozenset({IndicatorType.PROGRAM, IndicatorType.PATH, IndicatorType.HASH})

_E = TypeVar("_E", bound=StrEnum)


class ListProblem(VedetteError):  # noqa: N818
    """A list that can't be used as a whole; what was served before should go on serving."""

    def __init__(self, name: str, line: int | None, reason: str) -> None:
        self.name, self.line, self.reason = name, line, reason
        super().__init__(f"{name}{'' if line is None else f', line {line}'}: {reason}")

    @property
    def in_words(self) -> str:
        """What is wrong and in which line, for those who know which list."""
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that does not serve, and why in a sentence for the person who edits the list."""

    line: int
    reason: str


def read_list(
    text: str | bytes, *, name: str, previous: int = 0
) -> tuple[tuple[Indicator, ...], tuple[BadLine, ...]]:
    """Read a list; raise `ListProblem` on a bad header or where over half of `previous` rows are lost."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    rows = Rows(name)
    rows.read(enumerate(_LINE_END.split(text.removeprefix("\ufeff")), start=1))
    check_size(len(rows), previous, name)
    return rows.good(), rows.bad.told()


class Rows:
    """The rows of a list, each once, and the lines that do not serve."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bad = BadLines()
        self.repeated = 0
        self._good: dict[tuple[IndicatorType, str, date | None, bool], Indicator] = {}

    def __len__(self) -> int:
        return len(self._good)

    def good(self) -> tuple[Indicator, ...]:
        """Return the rows in their order."""
        return tuple(self._good.values())

    def read(self, lines: Iterable[tuple[int, str]]) -> None:
        """Read numbered lines, the columns' names first; raise `ListProblem` where those are others."""
        rows = ((number, line) for number, line in lines if is_row(line))
        check_header(next(rows, None), self.name)
        for number, line in rows:
            try:
                self._add(read_row(line, self.name, number))
            except RefusedError as problem:
                self.bad.add(number, str(problem), line)

    def _add(self, row: Indicator) -> None:
        allows = row.action is ListAction.ALLOW  # beside a row that acts it is no repeat
        first = self._good.setdefault((row.type, row.value, row.expires, allows), row)
        if first is not row:
            self.repeated += 1
            raise RefusedError(said_before(first.line))


class BadLines:
    """The lines that don't serve, in any order; of many the first are told and the others counted."""

    def __init__(self) -> None:
        self._lines: list[BadLine] = []
        self._count = 0

    def add(self, number: int, problem: str, line: str) -> None:
        """Note a line and what is wrong with it."""
        self._count += 1
        if self._count <= MAX_BAD_LINES:
            self._lines.append(BadLine(number, f"{problem}: {_excerpt(line)}"))

    def follow(self, later: "BadLines") -> None:
        """Note what was noted about a later part."""
        self._lines += later._lines[: MAX_BAD_LINES - len(self._lines)]
        self._count += later._count

    def told(self) -> tuple[BadLine, ...]:
        """Return them by their numbers."""
        lines = sorted(self._lines, key=lambda line: line.line)
        if self._count > MAX_BAD_LINES:
            more = f"{self._count - MAX_BAD_LINES} more lines after this one can't be used"
            lines.append(BadLine(lines[-1].line, more))
        return tuple(lines)


def said_before(line: int) -> str:
    """Return what is wrong with a row that repeats that line."""
    return f"says the same as line {line}, which serves"


def check_size(rows: int, previous: int, name: str) -> None:
    """Raise `ListProblem` where over half of `previous` rows are lost."""
    if rows * 2 < previous:
        raise ListProblem(name, None, f"{rows} usable rows where there were {previous}")


def is_row(line: str) -> bool:
    """Tell a row from a blank line and a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def check_header(first: tuple[int, str] | None, name: str) -> None:
    """Raise `ListProblem` where the first row, with its line's number, is not the columns' names."""
    if first is None:
        raise ListProblem(name, None, f"the list is empty: its first row has to be {','.join(COLUMNS)}")
    number, line = first
    try:
        columns = tuple(cell.lower() for cell in _cells(line))
    except RefusedError:
        columns = ()
    if columns != COLUMNS:
        expected = ",".join(COLUMNS)
        raise ListProblem(name, number, f"the first row has to be {expected}, and is {_excerpt(line)}")


def _cells(line: str) -> list[str]:
    if len(line) > _MAX_LINE:
        raise RefusedError(f"longer than {_MAX_LINE} characters")
    if _NO_TEXT.search(line):
        raise RefusedError("holds what is no UTF-8 text")
    if '"' not in line:
        return [cell.strip() for cell in line.split(",")]
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True))]
    except csv.Error:
        raise RefusedError("a quote is not closed on its line, or stands within a value") from None


def read_row(line: str, name: str, number: int) -> Indicator:
    """Read one line; raise `RefusedError` saying what is wrong with it."""
    cells = _cells(line)
    if not _FEWEST <= len(cells) <= len(COLUMNS):
        raise RefusedError(f"{len(cells)} columns where {_FEWEST} to {len(COLUMNS)} are expected")
    cells += [""] * (len(COLUMNS) - len(cells))
    kind, value, action, severity, expires, source, attack, comment = cells
    if len(value) > MAX_VALUE:
        raise RefusedError(f"a value longer than {MAX_VALUE} characters")
    if max(len(source), len(comment)) > MAX_REMARK:
        raise RefusedError(f"a source or comment longer than {MAX_REMARK} characters")
    if not value:
        raise RefusedError("no value")
    indicator_type = _one_of(IndicatorType, kind, "type")
    return Indicator(
        type=indicator_type,
        value=canonical(indicator_type, value),
        written=value,
        action=_action(action, indicator_type),
        severity=_one_of(Severity, severity or Severity.MEDIUM, "severity"),
        expires=_date(expires),
        source=source,
        attack=_technique(attack),
        comment=comment,
        list=name,
        line=number,
    )


def _one_of(choices: type[_E], word: str, column: str) -> _E:
    try:
        return choices(word.lower())
    except ValueError:
        raise RefusedError(f"the {column} has to be one of {', '.join(choices)}") from None


def _action(word: str, kind: IndicatorType) -> ListAction:
    action = _one_of(ListAction, word or ListAction.ALERT, "action")
    if action is ListAction.BLOCK and kind in _NOT_BLOCKED:
        raise RefusedError(f"block means nothing for a {kind}: it takes alert, terminate or allow")
    return action


def _date(word: str) -> date | None:
    if not word:
        return None
    try:
        if _DATE.fullmatch(word):
            return date.fromisoformat(word)
    except ValueError:
        pass
    raise RefusedError("expires has to be a day of the calendar, written like 2027-12-31")


def _technique(word: str) -> str:
    if word and not _TECHNIQUE.fullmatch(word):
        raise RefusedError("attack has to be a technique's number, like T1204 or T1204.002")
    return word


def _excerpt(line: str) -> str:
    shown = repr(line[:_EXCERPT])[: 2 * _EXCERPT]
    return shown if len(line) <= _EXCERPT else f"{shown}…"
