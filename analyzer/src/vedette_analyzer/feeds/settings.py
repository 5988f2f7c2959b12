"""What `feeds.toml` says: where each feed comes from, what it is, and how far it is trusted."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from vedette_indicators import IndicatorType, ListAction
from vedette_indicators.formats import Columns, Format
from vedette_schemas import Severity
from vedette_transport import Settings

MAX_FEEDS = 48
_READ_AS = 2
"""Raised when feeds are read in another way, so that what is kept is read again."""

FeedName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$")]
ColumnName = Annotated[int, Field(ge=1, le=1_000)] | Annotated[str, Field(min_length=1, max_length=100)]


def _source(text: str) -> str:
    if "://" not in text:
        return text
    parts = urlsplit(text)  # as the next line, raises ValueError
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.port == 0
        or not text.isprintable()
    ):
        raise ValueError("give a file, or a URL that begins with http:// or https://")
    return text


class ColumnSettings(Settings):
    """The columns of a CSV feed, by their name in its header or by number from 1.

    What a value is says the column `type`, or `type_of_all`, or its looks.
    """

    value: ColumnName
    type: ColumnName | None = None
    type_of_all: (
        Literal[
            IndicatorType.HOST,
            IndicatorType.URL,
            IndicatorType.IP,
            IndicatorType.IP_PORT,
            IndicatorType.CIDR,
            IndicatorType.HASH,
        ]
        | None
    ) = None
    note: tuple[ColumnName, ...] = ()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","

    def columns(self) -> Columns:
        """Return them as the reader takes them."""
        return Columns({self.value: self.type_of_all}, self.type, self.note, self.delimiter)


class FeedSettings(Settings):
    """One feed. `source` is a file, relative to the settings' folder, or a URL.

    `ceiling` is the most that a hit may lead to. `private` lets that URL's host, and no other, lie in a
    private network. `ca` is a file of certificates to trust for it, beside the usual ones.
    """

    source: Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_source)]
    format: Format
    columns: ColumnSettings | None = None
    refresh_minutes: Annotated[int, Field(ge=1, le=30 * 24 * 60)] = 60
    ceiling: Literal[ListAction.ALERT, ListAction.BLOCK, ListAction.TERMINATE] = ListAction.ALERT
    severity: Severity = Severity.MEDIUM
    private: bool = False
    ca: Path | None = None
    max_mib: Annotated[int, Field(ge=1, le=512)] = 128
    max_seconds: Annotated[int, Field(ge=1, le=3_600)] = 300

    @model_validator(mode="after")
    def _columns_of_csv(self) -> Self:
        if (self.format is Format.CSV) != (self.columns is not None):
            raise ValueError("'columns' are to be given with format = \"csv\", and with no other")
        return self

    @property
    def url(self) -> str | None:
        """The URL to fetch; none where it is a file."""
        return self.source if "://" in self.source else None

    @property
    def shown_source(self) -> str:
        """The source without path, query and user: keys are often in there."""
        if self.url is None:
            return self.source
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}"

    @property
    def asked(self) -> str:
        """A digest of the source: what it said of its content, another one has not said."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:16]

    @property
    def read_as(self) -> str:
        """A digest of what decides how the content becomes a list."""
        said = (_READ_AS, self.format, self.columns, self.ceiling, self.severity)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


class FeedsSettings(Settings):
    """All feeds, each under its name."""

    feed: Annotated[Mapping[FeedName, FeedSettings], Field(max_length=MAX_FEEDS)]
