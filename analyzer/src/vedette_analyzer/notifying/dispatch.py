"""What is sent at once on a route."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from pydantic import Field
from vedette_schemas import Message, Severity
from vedette_schemas.fields import Time

from .showing import Shown

NAMESPACE = UUID("5b0b7d54-9a7c-5d0e-8f6e-3a4f0c1d9e21")
"""Messages are named below this: what is sent again after a crash has the same name."""

MOST_ITEMS = 200

_GRAVITY = {severity: n for n, severity in enumerate(Severity)}


class Item(Message):
    """One alert and its repeats: `newest` is shown, `count` is how many are told here for the first time.

    A count of 0 says what became of one that was told before.
    """

    newest: Shown
    count: int = Field(ge=0)
    first_at: Time
    last_at: Time


class Dispatch(Message):
    """One message: named by what it shows first, so that it is the same one whenever it is sent again.

    `lane` is a route, or a mailbox of it: each has its own queue.
    """

    id: UUID
    lane: str
    made_at: Time
    items: tuple[Item, ...] = Field(min_length=1)

    @property
    def route(self) -> str:
        """The route's name."""
        return self.lane.partition("/")[0]

    @property
    def count(self) -> int:
        """How many alerts are told by it."""
        return sum(item.count for item in self.items)

    @property
    def gravest(self) -> Item:
        """The item that matters most."""
        return self.items[0]


class Waiting(NamedTuple):
    """An alert that waits to be told on a route, with those that are folded into it; told from `ready_at`."""

    key: str
    item: Item
    ready_at: datetime


def gravity(waiting: Waiting) -> tuple[int, datetime]:
    """Return what waiting alerts are sorted by, the least first."""
    return _GRAVITY[waiting.item.newest.severity], waiting.item.last_at


def dispatch(lane: str, waiting: tuple[Waiting, ...], now: datetime) -> Dispatch:
    """Return the message that tells of these, the gravest first."""
    items = tuple(each.item for each in sorted(waiting, key=gravity, reverse=True))
    return Dispatch(id=name(lane, items[0]), lane=lane, made_at=now, items=items)


def name(lane: str, first: Item) -> UUID:
    """Return the name of the message that shows this first, or what came of it."""
    seen = first.newest
    root = first_name(lane, seen)
    return root if first.count else uuid5(root, f"{seen.state}|{seen.done}|{seen.at.isoformat()}")


def first_name(lane: str, seen: Shown) -> UUID:
    """Return the name of the message that showed this alert first when it was new."""
    return uuid5(NAMESPACE, f"{lane}|{seen.id}")
