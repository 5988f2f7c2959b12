"""Puts alerts into incidents, within the transaction that stores them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from vedette_archive import Books, Stored
from vedette_schemas import Alert

from .incidents import group


class ClockMoved(NamedTuple):
    """The server's clock was set by so much, when it told `before`; so many alerts were found until then."""

    by: timedelta
    before: datetime
    alerts: int


def put_into_incidents(
    books: Books, alerts: Sequence[Alert], stored: Stored, moves: Sequence[ClockMoved] = ()
) -> None:
    """Put those of the alerts that were stored into incidents; what is in one already stays there.

    A clock that was set parts none: what runs on is moved along, between the alerts before and after.
    """
    new, done = set(stored.alerts), 0
    for by, before, count in moves:
        books.incidents.take([each for each in alerts[done:count] if each.id in new], group)
        books.incidents.clock_moved(by, before)
        done = count
    books.incidents.take([each for each in alerts[done:] if each.id in new], group)
