"""The types that messages are made of: bounded text, names, times, the base of every message."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

VERSION: Final[Literal[1]] = 1
"""The version of the contract; a message says it, a reader refuses another by name."""

MAX_PAYLOAD = 256 * 1024
"""Bytes of an MQTT payload beyond which it is dropped unread. A report is cut at 128 KiB, and one
observation alone can be a little more."""

MAX_TOKEN = 48 * 1024
"""Characters of a signed command: 1,500 as a rule, 46,000 with a path of 4,096 control characters and the
longest act."""

MAX_ACT = 8 * 1024
"""Characters of a signed act: 1,500 as a rule, 6,000 with the longest page in plain characters."""

MAX_TITLE = 1_024
MAX_CLIPBOARD = 16_384
MAX_PATH = 4_096

HOST_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""One DNS label of at most 63 characters: safe in a topic on every broker."""

HostName = Annotated[str, StringConstraints(pattern=rf"^{HOST_LABEL}$")]
Nonce = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Title = Annotated[str, StringConstraints(max_length=MAX_TITLE)]
Text = Annotated[str, StringConstraints(max_length=MAX_CLIPBOARD)]
Path = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATH)]
Sentence = Annotated[str, StringConstraints(max_length=1_000)]
Pid = Annotated[int, Field(ge=1, le=2**31 - 1)]
Uid = Annotated[int, Field(ge=0, le=2**32 - 1)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Time = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC)),
]
"""A time of our century: sums and differences of such times always exist."""

OperatingSystem = Literal["linux", "windows", "macos"]


class Severity(StrEnum):
    """How much an alert matters, from least to most."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Mode(StrEnum):
    """What verdicts may lead to: say what would be done, wait for an operator, or do it."""

    OBSERVE = "observe"
    APPROVE = "approve"
    ENFORCE = "enforce"


class Message(BaseModel):
    """Anything that crosses a process boundary: frozen, closed, bounded."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Process(Message):
    """One run of one program, named so that a reused PID is another process.

    `started` is the kernel's own start time, exact to compare and meaningless to read: on Linux clock
    ticks since boot (proc(5), /proc/PID/stat field 22), elsewhere microseconds since 1970.
    """

    pid: Pid
    started: Annotated[int, Field(ge=0)]
    executable: Path
