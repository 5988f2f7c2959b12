"""Orders, times and ids as operators read them."""

from datetime import UTC, datetime
from uuid import UUID

from vedette_schemas import Block, Isolate, Notify, Order, SelfTest, Terminate, name_of

_HOUR, _DAY = 3_600, 86_400


def to_do(order: Order) -> str:
    """Return what an order is to bring about: "end game (pid 4242)"."""
    match order:
        case Terminate():
            return f"end {name_of(order)}"
        case Block():
            return f"block {name_of(order)}"
        case Isolate():
            return "isolate the host"
        case Notify():
            return f"tell {name_of(order)}"
        case SelfTest():
            return f"test {name_of(order)}"
        case _:
            return f"undo command {name_of(order)}"


def doing(order: Order) -> str:
    """Return what an order is bringing about: "ending game (pid 4242)"."""
    verb, _, rest = to_do(order).partition(" ")
    return f"{verb.removesuffix('e')}ing {rest}"


def count(number: int, one: str, several: str = "") -> str:
    """Return a number and what there is of it."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def short(name: UUID) -> str:
    """Return the beginning of an id, which is enough to name it."""
    return str(name)[:8]


def day_and_time(at: datetime) -> str:
    """Return a time as the enforcers write theirs."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def for_how_long(seconds: int) -> str:
    """Return how long something is to last: "7 d", "24 h", "90 min", "45 s"."""
    for unit, name, least in ((_DAY, "d", 2), (_HOUR, "h", 1), (60, "min", 1)):
        if seconds % unit == 0 and seconds >= least * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
