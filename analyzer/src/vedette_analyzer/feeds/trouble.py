"""What operators should know of a feed."""

from pydantic import Field
from vedette_schemas import Message, Severity
from vedette_schemas.fields import Sentence

from .settings import FeedName


class FeedTrouble(Message):
    """Something is wrong with a feed, or with all where it names none; under one `key` it is one trouble."""

    feed: FeedName | None = None
    key: str = Field(max_length=200)
    severity: Severity
    summary: Sentence
