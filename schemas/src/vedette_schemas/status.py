"""What each program says about itself: every 30 s, when it ends, and by last will when it does not."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from .fields import VERSION, Message, Nonce, Number, Time
from .principals import PrincipalName

HEARTBEAT_SECONDS = 30.0

_Word = Annotated[str, Field(max_length=32)]
_Words = Annotated[str, Field(max_length=300)]


class Life(StrEnum):
    """How a program is: running, ended in order, or cut off (its last will says so)."""

    RUNNING = "running"
    STOPPED = "stopped"
    GONE = "gone"


class Status(Message):
    """A heartbeat, a farewell or a last will.

    `connection` is drawn anew at each connect, so that an old connection's will says nothing about the
    new one. `at` is the sender's clock. `facts` are what the program can and can't do here, by name:
    `on …` or `off: why`, in words for the operator.
    """

    version: Literal[1] = VERSION
    principal: PrincipalName
    connection: Nonce
    life: Life
    number: Number
    at: Time
    program_version: Annotated[str, Field(max_length=32)]
    facts: Annotated[dict[_Word, _Words], Field(max_length=32)] = Field(default_factory=dict)
