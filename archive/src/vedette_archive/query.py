"""A question to the archive as a web page's address, the API and the command line ask it. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from vedette_schemas import HostName, Kind, Severity

from .errors import QueryError

MOST_VALUES = 50
MOST_TEXT = 200
INDEXED_LENGTH = 3
"""Characters from which on a text is found by the index; of a shorter one all rows are looked at."""

_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f\ufffd]')
_ALPHABETS = (range(0x0250), range(0x0386, 0x0400), range(0x0400, 0x0528), range(0x0531, 0x0557))
_ONE_CASE = {
    code: chr(code).lower()
    for alphabet in _ALPHABETS  # Latin, Greek, Cyrillic, Armenian: of younger letters SQLite knows no cases
    for code in alphabet
    if len(chr(code).lower()) == 1
}


class Events(StrEnum):
    """What is searched."""

    ALERTS = "alerts"
    OBSERVATIONS = "observations"


def _no_number(at: object) -> object:
    """Refuse what pydantic takes for seconds since 1970: 20260131 would be a day in that year."""
    if isinstance(at, datetime) or (isinstance(at, str) and re.match(r"\d+-", at)):
        return at
    raise ValueError("write it as 2026-01-31 or 2026-01-31T08:00Z")


def _in_utc(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC that is before the year 1 or after 9999") from None


def _printable(text: str) -> str:
    """Return a text without NUL, which SQLite takes for its end."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


When = Annotated[
    datetime,
    BeforeValidator(_no_number),
    AfterValidator(_in_utc),
    Field(description="RFC 3339, or a date; UTC unless it says otherwise."),
]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
_Few = Field(max_length=MOST_VALUES)


class Query(BaseModel):
    """Which events are wanted: of all that is said, everything must hold; of several values, one.

    Times are the server's: of an alert when it was judged or approved, of an observation when it was
    received. `since` is included, `until` is not. `kind` of an alert is that of the observation behind it,
    `indicator` the value of the list's entry as it is written there. `text` is any part of what people
    read in it, whatever the case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: Events = Events.ALERTS
    since: When | None = None
    until: When | None = None
    host: Annotated[tuple[HostName, ...], _Few] = ()
    kind: Annotated[tuple[Kind, ...], _Few] = ()
    severity: Annotated[tuple[Severity, ...], _Few] = ()
    detector: Annotated[tuple[_Name, ...], _Few] = ()
    indicator: Annotated[tuple[_Value, ...], _Few] = ()
    text: Annotated[str, StringConstraints(max_length=MOST_TEXT), AfterValidator(_printable)] = ""

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """Read the names and values of an address; what is empty is not asked for. Raise `QueryError`."""
        fields: dict[str, str | list[str]] = {}
        for name, value in pairs:
            if not value:
                continue
            if name in _SEVERAL:
                cast("list[str]", fields.setdefault(name, [])).append(value)
            else:
                fields[name] = value
        return cls.of(fields)

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> Self:
        """Make a query of these fields; raise `QueryError` in words."""
        try:
            query = cls.model_validate(fields)
        except ValidationError as error:
            raise QueryError(_in_words(error)) from None
        alone = [name for name in ("severity", "detector", "indicator") if getattr(query, name)]
        if query.events is Events.OBSERVATIONS and alone:
            raise QueryError(f"{alone[0]} belongs to alerts: an observation has none")
        if query.since and query.until and query.since >= query.until:
            raise QueryError("since must lie before until: nothing is in between")
        return query

    def pairs(self) -> list[tuple[str, str]]:
        """Return what `read` reads, without what is not asked for."""
        found: list[tuple[str, str]] = []
        for name, value in self.model_dump(mode="json", exclude_defaults=True).items():
            values = cast("list[object]", value) if isinstance(value, list) else [value]
            found += [(name, str(each)) for each in values]
        return found


_SEVERAL = ("host", "kind", "severity", "detector", "indicator")

ALERT_TEXTS = ("summary", "done", "value", "subject", "comment", "excerpt")
"""The names in an alert whose texts are searched: what it says, the entry that hit, what it hit."""

OBSERVATION_TEXTS = ("title", "text", "host", "address", "executable", "sha256", "reason")
"""The names in an observation whose texts are searched, at whatever depth they stand."""


def folded(text: str) -> str:
    """Return a text in which case makes no difference."""
    return text.translate(_ONE_CASE)


def holds(body: str, names: tuple[str, ...], needle: str) -> bool:
    """Tell whether a text of those names in this JSON holds `needle`, which is folded."""
    return _may_hold(body, needle) and any(
        needle in folded(_printable(text)) for text in _texts(json.loads(body), names)
    )


def stands_as_it_is(text: str) -> bool:
    """Tell whether JSON holds a text unchanged, and in cases that a database knows: plain ASCII."""
    return bool(text) and text.isascii() and _ESCAPED.search(text) is None


def _may_hold(body: str, needle: str) -> bool:
    """Tell it without reading the JSON, which takes much longer: mostly it does not."""
    if _ESCAPED.search(needle) is not None:
        return True
    return needle in (body.lower() if needle.isascii() else folded(body))


def _texts(value: object, names: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each, names)
    elif isinstance(value, dict):
        for name, each in cast("dict[str, object]", value).items():
            if isinstance(each, str):
                if name in names:
                    yield each
            else:
                yield from _texts(each, names)


def _in_words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(str(step) for step in first["loc"][:1]) or "it"
    if first["type"] == "extra_forbidden":
        return f"there is no {name[:40]!r} to search by"
    if first["type"] == "string_pattern_mismatch":  # of a host alone
        return f"{name}: give a host's name: lower-case letters, digits and hyphens, at most 63"
    if first["type"] == "value_error":  # said by this file
        return f"{name}: {first['msg'].removeprefix('Value error, ')}"
    return f"{name}: {first['msg'][:200].lower()}"
