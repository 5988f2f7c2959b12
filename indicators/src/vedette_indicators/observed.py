"""What of an observation is looked up: the same for judging, for hunts and for operators' questions."""

from collections.abc import Iterator

from vedette_schemas import (
    ClipboardCopied,
    ConnectionOpened,
    Kind,
    Observation,
    ProcessStarted,
    ProgramHashed,
    Where,
    WindowFocused,
)

from .indicator import Indicator, IndicatorType, Match, Via
from .table import IndicatorTable

KINDS = (Kind.WINDOW, Kind.CLIPBOARD, Kind.PROCESS, Kind.PROGRAM, Kind.CONNECTION)
"""The kinds of observation in which something is looked up."""

Hit = tuple[Match, Where]
"""What was hit by what, and where in the observation that is."""


def hits(table: IndicatorTable, seen: Observation) -> Iterator[Hit]:
    """Yield what an observation hits on the day it was seen; of some kinds nothing is looked up."""
    match seen:
        case WindowFocused():
            yield from _window(table, seen)
        case ClipboardCopied():
            for found in table.clipboard(seen.text, on=seen.seen_at.date()):
                yield found, Where.TEXT
        case ProcessStarted() | ProgramHashed():
            yield from _program(table, seen)
        case ConnectionOpened():
            on = seen.seen_at.date()
            for found in table.connection(seen.address, seen.port, host=seen.host, on=on):
                yield found, Where.ADDRESS
        case _:
            pass


def _window(table: IndicatorTable, seen: WindowFocused) -> Iterator[Hit]:
    on = seen.seen_at.date()
    ran: set[Indicator] = set()
    if seen.process is not None:
        for found in table.process(seen.process.executable, os=seen.os, sha256=seen.sha256, on=on):
            ran.add(found.indicator)
            yield found, Where.PROGRAM
    for found in table.window(seen.title, os=seen.os, on=on):
        if found.indicator not in ran:  # the program itself says more than its name in the title
            yield found, Where.TITLE_END if found.via is Via.TITLE_END else Where.TITLE


def _program(table: IndicatorTable, seen: ProcessStarted | ProgramHashed) -> Iterator[Hit]:
    on = seen.seen_at.date()
    for found in table.process(seen.process.executable, os=seen.os, sha256=seen.sha256, on=on):
        # of a program that is hashed late, name and path were looked up before; they may allow it still
        if isinstance(seen, ProcessStarted) or found.indicator.type is IndicatorType.HASH:
            yield found, Where.PROGRAM
