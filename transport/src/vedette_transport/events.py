"""What a program's loop waits for: messages, lines from sessions, and the end."""

from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .local import Client


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker took us, and our subscriptions but those that it `refused`."""

    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The broker is gone; `why` is for the log."""

    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The analyzer is new here: it needs to know how we are, sooner than the next heartbeat is due."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message came in."""

    topic: str
    payload: bytes | bytearray


@dataclass(frozen=True, slots=True)
class Joined:
    """A user's session connected to our socket."""

    client: "Client"


@dataclass(frozen=True, slots=True)
class Line:
    """A session wrote a line."""

    client: "Client"
    line: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """A session is gone."""

    client: "Client"


@dataclass(frozen=True, slots=True)
class Stop:
    """The program is to end in order."""


@dataclass(frozen=True, slots=True)
class Call:
    """Something of the program's own, done elsewhere, is to be taken up in its loop."""

    result: object


Event = Connected | Asked | Disconnected | Received | Joined | Line | Left | Call | Stop
Inbox = SimpleQueue[Event]
"""Where every thread of a program puts what its one loop handles: nothing else is shared."""
