"""What sensors and enforcers saw: one class a kind. Its identity is its place (stream, number)."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, IPvAnyAddress

from .fields import (
    MAX_TOKEN,
    Message,
    OperatingSystem,
    Port,
    Process,
    Sentence,
    Sha256,
    Text,
    Time,
    Title,
    Uid,
)


class WindowFocused(Message):
    """A window came to the front, or the title of the one in front changed.

    `uid` is the session's, vouched for by the sensor's kernel. `pid_from` says who named the process:
    the X server (XRes), or the client itself, which could name another's.
    """

    kind: Literal["window"] = "window"
    seen_at: Time
    os: OperatingSystem
    title: Title
    uid: Uid | None = None
    process: Process | None = None
    pid_from: Literal["server", "client"] | None = None
    sha256: Sha256 | None = None


class ClipboardCopied(Message):
    """Text was copied. `length` is the whole text's in bytes, `text` what was kept of it."""

    kind: Literal["clipboard"] = "clipboard"
    seen_at: Time
    text: Text
    length: Annotated[int, Field(ge=0)]
    uid: Uid | None = None


class ProcessStarted(Message):
    """A program runs."""

    kind: Literal["process"] = "process"
    seen_at: Time
    os: OperatingSystem
    process: Process
    uid: Uid | None = None
    sha256: Sha256 | None = None


class ProgramHashed(Message):
    """The hash of a program that was reported without: reading its file took longer than reporting it."""

    kind: Literal["program"] = "program"
    seen_at: Time
    os: OperatingSystem
    process: Process
    sha256: Sha256
    uid: Uid | None = None


class ConnectionOpened(Message):
    """A program reached out to an address; `host` is the name it asked for, where that is known."""

    kind: Literal["connection"] = "connection"
    seen_at: Time
    os: OperatingSystem
    address: IPvAnyAddress
    port: Port
    host: Annotated[str, Field(max_length=253)] | None = None
    process: Process | None = None
    uid: Uid | None = None


class OutcomeStatus(StrEnum):
    """How a command ended. `released` comes later: taken back at the host's own console."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    RELEASED = "released"


class Outcome(Message):
    """What became of a command: `reason` is a sentence for the operator.

    `command_id` is missing when the command could not be read or trusted. `command` is the signed
    command as it came. `taken_at` is when it arrived, `seen_at` when it was over or released. `repeated`: the
    command came again, was not carried out again, and this is what became of it the first time.
    """

    kind: Literal["outcome"] = "outcome"
    seen_at: Time
    taken_at: Time
    command_id: UUID | None = None
    action: Annotated[str, Field(max_length=32)]
    status: OutcomeStatus
    reason: Sentence
    ended: Annotated[tuple[Process, ...], Field(max_length=64)] = ()
    command: Annotated[str, Field(max_length=MAX_TOKEN)] | None = None
    repeated: bool = False


class Stopped(Message):
    """This program ended in order. It is told again in the spool, since a farewell may find no broker."""

    kind: Literal["stopped"] = "stopped"
    seen_at: Time


Observation = (
    WindowFocused | ClipboardCopied | ProcessStarted | ProgramHashed | ConnectionOpened | Outcome | Stopped
)
AnyObservation = Annotated[Observation, Field(discriminator="kind")]


class Kind(StrEnum):
    """The kinds of observation: the last level of a report's topic and a part of its stream's name."""

    WINDOW = "window"
    CLIPBOARD = "clipboard"
    PROCESS = "process"
    PROGRAM = "program"
    CONNECTION = "connection"
    OUTCOME = "outcome"
    STOPPED = "stopped"
