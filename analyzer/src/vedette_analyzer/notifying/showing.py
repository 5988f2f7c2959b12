"""What of an alert a route may see, and text from hosts made harmless."""

import re
import unicodedata
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from vedette_schemas import Alert, Message, Severity, State, Where
from vedette_schemas.fields import HostName, Sentence, Time, Uid


class Sight(StrEnum):
    """A part of an alert that a route may see; id, time, state and severity are seen by all.

    `summary` and `indicator` name what matched, in words and as the list has it; `subject` is what it hit,
    `title` the window's title. Without `user` the uid is left out, and names of home folders are covered.
    """

    HOST = "host"
    DETECTOR = "detector"
    SUMMARY = "summary"
    INDICATOR = "indicator"
    DONE = "done"
    TECHNIQUE = "technique"
    USER = "user"
    SUBJECT = "subject"
    TITLE = "title"


BY_DEFAULT = (
    Sight.HOST,
    Sight.DETECTOR,
    Sight.SUMMARY,
    Sight.INDICATOR,
    Sight.DONE,
    Sight.TECHNIQUE,
)
"""Nothing of what people read, write and copy but that it matched a list."""

_HOME = re.compile(
    r"(?i)((?:/home|/users|/run/user|/run/media|/media|\b[a-z]:\\users)[/\\]+)"
    r"""(?:(?<=\\)[^/\\:*?"<>|]{1,64}(?=\\)|[^/\\\s]+)"""  # on Windows names have blanks
)
_UNSAFE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
"""Unicode categories that could move a cursor, turn text around, hide it, or end a header's line."""

_HOST_LIKE = re.compile(
    r"(?<![\w.])(?:[\w-]+[.。．｡])+(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?!\w)"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)
_DOT = re.compile("[.。．｡]")
_SCHEME = re.compile(r"\bhttp(?=s?:)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(
    r"\b(?!https?:)([a-z][a-z0-9+.-]{1,30}):(?=//|\\\\)|\b(mailto|tel|sms|callto|javascript|data|ms-[a-z-]+|search-ms):",
    re.IGNORECASE,
)
_SHARE = re.compile(r"""(?:(?<=[\s'"(=,;])|^)(\\{2,})(?=\w)""")
"""A Windows share: some mail programs make a link of it, which hands over the password's hash."""


class ShownIndicator(Message):
    """The list's entry that hit."""

    type: Annotated[str, Field(max_length=16)]
    value: Sentence
    where: Where
    list: Annotated[str, Field(max_length=255)]
    line: int
    comment: Sentence = ""


class Shown(Message):
    """An alert as far as a route may see it."""

    id: UUID
    state: State
    at: Time
    severity: Severity
    host: HostName | None = None
    detector: Annotated[str, Field(max_length=64)] | None = None
    summary: Sentence | None = None
    indicator: ShownIndicator | None = None
    done: Sentence | None = None
    technique: Annotated[str, Field(max_length=16)] | None = None
    user: Uid | None = None
    subject: Sentence | None = None
    title: Sentence | None = None


def shown(alert: Alert, may_see: Collection[Sight]) -> Shown:
    """Return what of an alert may be seen."""
    found, origin = alert.match, alert.origin
    whole = Shown(
        id=alert.id,
        state=alert.state,
        at=alert.at,
        severity=alert.severity,
        host=alert.host,
        detector=alert.detector,
        summary=alert.summary,
        done=alert.done,
        technique=alert.technique,
        indicator=None
        if found is None
        else ShownIndicator(
            type=found.type,
            value=found.value,
            where=found.where,
            list=found.list,
            line=found.line,
            comment=found.comment,
        ),
        user=None if origin is None else origin.uid,
        subject=None if found is None else found.subject,
        title=None if origin is None else origin.excerpt or None,
    )
    return limited(whole, may_see)


def limited(whole: Shown, may_see: Collection[Sight]) -> Shown:
    """Return it without what may not be seen."""
    hidden: dict[str, object] = {sight.value: None for sight in Sight if sight not in may_see}
    rest = whole.model_copy(update=hidden)
    return rest if Sight.USER in may_see else _without_homes(rest)


def plain(text: str, most: int = 1_000) -> str:
    """Return a hostile text as one harmless line of at most `most` characters."""
    kept = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSAFE else c for c in text[: most + 1]
    )
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def defanged(text: str, most: int = 1_000) -> str:
    """Return a harmless line in which nothing can be clicked on: `hxxp://evil[.]example`."""
    unlinked = _OTHER_SCHEME.sub(lambda found: f"{found[0][:-1]}[:]", plain(text, most))
    unlinked = _SHARE.sub(r"[\1]", _SCHEME.sub("hxxp", unlinked))
    return _HOST_LIKE.sub(lambda found: _DOT.sub("[.]", found[0]), unlinked)


def _without_homes(rest: Shown) -> Shown:
    covered: dict[str, object] = {
        name: _HOME.sub(r"\1…", text)
        for name in ("summary", "done", "subject", "title")
        if (text := getattr(rest, name)) is not None
    }
    if rest.indicator is not None:
        value = _HOME.sub(r"\1…", rest.indicator.value)
        covered["indicator"] = rest.indicator.model_copy(update={"value": value})
    return rest.model_copy(update=covered)
