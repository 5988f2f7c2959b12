"""How pages come about: templates, and how times, lengths of time and hostile text are written in them."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from vedette_schemas import Severity

from ..actions import left
from ..lines import count, plain
from .hostile import MOST, text
from .roles import What, may

HERE = Path(__file__).parent
BUILT = HERE / "static" / "built"
"""Where `make web` puts the scripts; without them pages work, and do not renew themselves."""

ISLANDS = BUILT / "islands.js"

_MOMENT = re.compile(
    r"\b(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ| \d\d:\d\d UTC)|[0-2]\d:[0-5]\d UTC)\b", re.ASCII
)
"""How programs write moments; that of an hour alone is of today, or near it."""


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates, read once."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "text": text,
        "plain": plain,
        "when": when,
        "clock": clock,
        "hour": hour,
        "sentence": sentence,
        "remaining": remaining,
        "segment": segment,
        "count": count,
    }
    names: dict[str, object] = {
        "static": static,
        "What": What,
        "may": may,
        "severities": tuple(reversed(Severity)),
    }
    environment.filters.update(filters)
    cast("Any", environment.globals).update(names)  # Jinja2's types know its own names only
    return environment


def fragment(template: str, macro: str, *arguments: object, **named: object) -> Markup:
    """Return what a macro of a template makes: the part of a page that is sent alone."""
    module = templates().get_template(template).module
    return Markup(getattr(module, macro)(*arguments, **named))  # noqa: S704 (a macro escapes)


def render(template: str, context: Mapping[str, object]) -> str:
    """Return a whole page."""
    return templates().get_template(template).render(context)


def when(at: datetime) -> Markup:
    """Return a moment, with its day; a script writes it in the reader's own time zone."""
    shown = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-as="day">{}</time>').format(
        f"{shown:%Y-%m-%dT%H:%M:%S.%fZ}", f"{shown:%Y-%m-%d %H:%M:%S} UTC"
    )


def clock(at: datetime) -> Markup:
    """Return a moment of today, or of a day that its surroundings tell."""
    shown = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-as="clock">{}</time>').format(
        f"{shown:%Y-%m-%dT%H:%M:%S.%fZ}", f"{shown:%m-%d %H:%M:%S}"
    )


def hour(at: datetime) -> Markup:
    """Return the hour that begins then, of a day that its surroundings tell."""
    shown = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-as="hour">{}</time>').format(
        f"{shown:%Y-%m-%dT%H:%M:%SZ}", f"{shown:%H}"
    )


def sentence(value: object, most: int = MOST) -> Markup:
    """Return what a program said: as hostile as any text, its moments being written as all others are."""
    shown = str(value)
    kept = shown if len(shown) <= most else shown[: most - 1] + "…"
    return Markup("").join(_moment(piece) or text(piece, most) for piece in _MOMENT.split(kept) if piece)


def _moment(written: str) -> Markup | None:
    if _MOMENT.fullmatch(written) is None:
        return None
    if len(written) == len("10:12 UTC"):
        return Markup('<time data-utc="{}" data-as="minute">{}</time>').format(written[:5], written)
    try:
        return when(datetime.fromisoformat(written.replace(" UTC", "Z")))
    except (ValueError, OverflowError):  # it only looks like one
        return None


def segment(value: object) -> str:
    """Return a text as one part of a path, or as a value in a query."""
    return quote(str(value), safe="")


def remaining(until: datetime) -> Markup:
    """Return how long it is until then; a script counts it down."""
    shown = until.astimezone(UTC)
    words = f"until {shown:%H:%M} UTC, {left(until - datetime.now(UTC))} left"
    return Markup('<time datetime="{}" data-as="left">{}</time>').format(
        f"{shown:%Y-%m-%dT%H:%M:%S.%fZ}", words
    )


@lru_cache(maxsize=64)
def static(name: str) -> str:
    """Return the address of a file of ours; it changes with the file, so that browsers may keep it."""
    content = (HERE / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
