"""One stream at its sender: what is held, what is under way, what was dropped."""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from vedette_schemas import MAX_RANGES, NOTHING, Ranges

from .spool import Kept


class Flight(NamedTuple):
    """A run that was sent: until when its ack is waited for, and how often that was in vain before."""

    first: int
    last: int
    due: float
    attempt: int


@dataclass(slots=True)
class Outgoing:
    """What the sender knows of a stream; the observations themselves are in the spool."""

    ordinal: int
    final: bool = False
    next: int = 1
    held: Ranges = NOTHING
    size: int = 0
    dropped: Ranges = NOTHING
    flights: list[Flight] = field(default_factory=list[Flight])
    attempts: int = 0

    @classmethod
    def from_spool(cls, kept: Kept, *, final: bool) -> Self:
        """Return a stream as an opening of its spool finds it: nothing is under way."""
        return cls(kept.ordinal, final, kept.next, kept.held, kept.size, kept.dropped)

    @property
    def oldest(self) -> int:
        """The lowest number that is held; where nothing is, the next."""
        return self.held.lowest if self.held else self.next

    @property
    def unsent(self) -> Ranges:
        """What is held and not under way."""
        return self.held - Ranges.of((flight.first, flight.last) for flight in self.flights)

    def add(self, number: int, size: int) -> None:
        """Hold one more."""
        self.next = number + 1
        self.held |= Ranges.span(number, number)
        self.size += size

    def miss(self, number: int) -> None:
        """Go on after one that found no room."""
        self.next = number + 1
        self.dropped = self.dropped_with(number, number)

    def let_go(self, first: int, last: int, size: int) -> None:
        """Hold these no longer; a run of which nothing is held any more is not waited for."""
        self.held -= Ranges.span(first, last)
        self.size -= size
        self.flights = [
            flight for flight in self.flights if self.held & Ranges.span(flight.first, flight.last)
        ]

    def give_up_waiting(self, now: float) -> None:
        """Take for lost what was not acked in time; the next wait is longer."""
        late = [flight for flight in self.flights if flight.due <= now]
        if late:
            self.flights = [flight for flight in self.flights if flight.due > now]
            self.attempts = max(self.attempts, *(flight.attempt + 1 for flight in late))

    def restart_waits(self) -> None:
        """Wait as at first again: something was archived, so the line is there."""
        self.attempts = 0
        self.flights = [flight._replace(attempt=0) for flight in self.flights]

    def dropped_with(self, first: int, last: int) -> Ranges:
        """Return all that is dropped once these are.

        What lies between two dropped ranges is held, archived or dropped. The analyzer asks only about
        what is no longer held, and knows what is archived: so closing a gap says nothing wrong.
        """
        return (self.dropped | Ranges.span(first, last)).coarse(MAX_RANGES)
