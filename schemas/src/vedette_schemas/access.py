"""Who may publish and read what: the one table, and Mosquitto's access list made from it.

A principal writes only below its own name. Only the analyzer writes to others: acks, commands and alerts.
Nothing may be retained, by anyone.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from . import topics
from .principals import ANALYZER, Principal, Program

CONSOLE = Principal(Program.CONSOLE, "main")
"""The one console that has a console's rights."""

HEALTH = Principal(Program.CONSOLE, "health")
"""Who asks the analyzer how it is, for a health check: a console without a console's rights."""


def may_publish(principal: Principal, topic: str) -> bool:
    """Tell whether `principal` may publish, or leave a last will, under `topic`."""
    if "+" in topic or "#" in topic:
        return False
    allowed = _publishes(principal)
    return topic in allowed or any(_covers(each, topic) for each in allowed)


def may_subscribe(principal: Principal, topic_filter: str) -> bool:
    """Tell whether `principal` may read all that `topic_filter` matches."""
    return is_filter(topic_filter) and any(_covers(each, topic_filter) for each in _reads(principal))


def is_filter(text: str) -> bool:
    """Tell whether `text` is a topic filter: each wildcard a level of its own, `#` the last."""
    levels = text.split("/")
    return (
        text != ""
        and "\0" not in text
        and all(level == "+" or "+" not in level for level in levels)
        and all("#" not in level for level in levels[:-1])
        and (levels[-1] == "#" or "#" not in levels[-1])
    )


def mosquitto_acl(operators: Iterable[Principal]) -> str:
    """Return an `acl_file` for Mosquitto that knows these operators.

    Mosquitto's patterns can't tell programs apart: what stands in one is harmless for any name, being below
    the name of whoever is connected. Mosquitto grants every SUBSCRIBE and filters what it delivers.
    """
    lines = [
        "# Who may say what. Made from vedette_schemas.access: not to be edited.",
        f"pattern write {topics.OWN_REPORTS}",
        f"pattern readwrite {topics.OWN_STATUS}",
        f"pattern read {topics.OWN_ACKS}",
        f"pattern read {topics.OWN_COMMANDS}",
        f"pattern read {topics.status(ANALYZER)}",
    ]
    for principal in (ANALYZER, CONSOLE, *sorted(set(operators))):
        lines += ["", f"user {principal}"]
        lines += [f"topic write {each}" for each in _publishes(principal)]
        lines += [f"topic read {each}" for each in _reads(principal)]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=4_096)
def _publishes(principal: Principal) -> tuple[str, ...]:
    return tuple(_each_published(principal))


def _each_published(principal: Principal) -> Iterator[str]:
    yield topics.status(principal)
    for kind in sorted(topics.MAY_REPORT.get(principal.program, ())):
        yield topics.report(principal, kind)
    if principal == ANALYZER:
        yield from (topics.EVERY_ACK, topics.EVERY_COMMAND, topics.EVERY_ALERT)
    if _watches(principal):
        yield topics.act(principal)


@lru_cache(maxsize=4_096)
def _reads(principal: Principal) -> tuple[str, ...]:
    return tuple(_each_read(principal))


def _each_read(principal: Principal) -> Iterator[str]:
    yield from (topics.status(principal), topics.ack(principal), topics.status(ANALYZER))
    if principal.program is Program.ENFORCER:
        yield topics.command(principal)
    if principal == ANALYZER:
        yield from (topics.EVERY_REPORT, topics.EVERY_ACT, topics.EVERY_STATUS)
    if _watches(principal):
        yield from (topics.EVERY_ALERT, topics.EVERY_STATUS)


def _watches(principal: Principal) -> bool:
    """Tell whether `principal` is a person, or what a person sits at: who reads alerts and acts."""
    return principal.program in topics.MAY_ACT and (
        principal.program is not Program.CONSOLE or principal == CONSOLE
    )


def _covers(allowed: str, wanted: str) -> bool:
    """Tell whether each topic that the filter `wanted` matches is matched by the filter `allowed`."""
    levels = wanted.split("/")
    for place, level in enumerate(allowed.split("/")):
        if level == "#":
            return True
        if place == len(levels) or levels[place] == "#":
            return False
        if level not in ("+", levels[place]):
            return False
    return len(levels) == allowed.count("/") + 1
