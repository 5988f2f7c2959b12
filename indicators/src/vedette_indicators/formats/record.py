"""What is known of a feed: the file that stands beside its list, for whoever looks after feeds."""

from typing import Annotated

from pydantic import Field
from vedette_schemas import Message
from vedette_schemas.fields import Sentence, Time

MAX_SAMPLES = 20
"""Refused lines that are kept; all are counted."""

Count = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{64})?$")]


class HeldBack(Message):
    """Content that came and is not in force: why, and how many entries are in it; with none it can't serve.

    `read_as` is a digest of the settings that it was read with.
    """

    since: Time
    why: Sentence
    digest: Digest
    read_as: str
    entries: Count = 0


class FeedRecord(Message):
    """A feed: where it comes from, what is in force of it, and how the source was when last asked.

    `source` is without what may be secret in a URL; `asked` is a digest of all of it. `read_as` is one of the
    settings that the list was made with, `digest` of the content that is in force (SHA-256). `samples` are
    refused lines as they are shown. `away_since` is when the source could not be read for the first time
    since it last could.
    """

    source: Sentence
    format: str
    ceiling: str
    severity: str
    refresh_minutes: int
    asked: str = ""
    read_as: str = ""
    answered_at: Time | None = None
    changed_at: Time | None = None
    digest: Digest = ""
    entries: Count = 0
    repeated: Count = 0
    refused: Count = 0
    samples: Annotated[tuple[Sentence, ...], Field(max_length=MAX_SAMPLES)] = ()
    etag: Annotated[str, Field(max_length=1_024)] = ""
    last_modified: Annotated[str, Field(max_length=1_024)] = ""
    held: HeldBack | None = None
    away_since: Time | None = None
    trouble: Sentence = ""

    @property
    def refused_share(self) -> float:
        """The share of what the feed says that could not be an entry, 0 to 1."""
        said = self.entries + self.repeated + self.refused
        return self.refused / said if said else 0.0
