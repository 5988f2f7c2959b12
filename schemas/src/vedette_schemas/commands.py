"""What the analyzer orders a host to do. It travels as a JWS, signed by who orders it."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from .fields import VERSION, Message, Process, Time, Uid
from .principals import PrincipalName


class Action(StrEnum):
    """What an indicator asks for, and a host may be ordered to do."""

    ALERT = "alert"
    NOTIFY = "notify"
    BLOCK = "block"
    TERMINATE = "terminate"


class Terminate(Message):
    """End a program: this process, its tree, and what else runs of it.

    With `uid`, only processes of that user: the order rests on the word of that user's session. Without
    `others`, only the process and its tree: it is ended for what its window shows, not for what it is.
    """

    action: Literal["terminate"] = "terminate"
    process: Process
    uid: Uid | None = None
    others: bool = True


class Notify(Message):
    """Show a notice to the user `uid`."""

    action: Literal["notify"] = "notify"
    uid: Uid
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    text: Annotated[str, StringConstraints(max_length=400)]


Order = Annotated[Terminate | Notify, Field(discriminator="action")]


class Command(Message):
    """An order to one enforcer. Times are in the enforcer's clock."""

    version: Literal[1] = VERSION
    id: UUID
    issuer: PrincipalName
    audience: PrincipalName
    issued_at: Time
    expires_at: Time
    order: Order
