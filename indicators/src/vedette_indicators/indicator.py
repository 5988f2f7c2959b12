"""What a list's row says, and what it means that something hit it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from vedette_schemas import Severity


class IndicatorType(StrEnum):
    """What a row's value is."""

    HOST = "host"
    URL = "url"
    IP = "ip"
    IP_PORT = "ip:port"
    CIDR = "cidr"
    PROGRAM = "program"
    PATH = "path"
    HASH = "hash"
    PHRASE = "phrase"


class ListAction(StrEnum):
    """What a row asks for. `allow` asks that the other rows which hit the same thing be passed over."""

    ALERT = "alert"
    BLOCK = "block"
    TERMINATE = "terminate"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row: `value` is canonical and the key, `written` is what stands in the list."""

    type: IndicatorType
    value: str
    written: str
    action: ListAction
    severity: Severity
    expires: date | None
    source: str
    attack: str
    comment: str
    list: str
    line: int

    def live(self, on: date) -> bool:
        """Tell whether the row counts on that day; the day it expires is the last that it does."""
        return self.expires is None or on <= self.expires


class Via(StrEnum):
    """How the input led to what was hit. What follows `URL` here is weaker evidence of a visit."""

    PROGRAM = "program"
    TITLE_END = "end of the title"
    TEXT = "text"
    ADDRESS = "address"
    URL = "url"
    REDIRECT = "redirect"
    MAIL = "mail"
    DEFANGED = "defanged"


@dataclass(frozen=True, slots=True)
class Match:
    """A row that was hit: `subject` is the canonical form of what in the input hit it."""

    indicator: Indicator
    subject: str
    via: Via
