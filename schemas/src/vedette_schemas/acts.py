"""What operators tell the analyzer to do, and its answer. An act travels as a JWS, signed by who acts."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from .commands import Block, Isolate
from .fields import VERSION, HostName, Message, Sentence, Time
from .principals import PrincipalName


class Approve(Message):
    """Carry out the command `command_id`, which waits for that."""

    kind: Literal["approve"] = "approve"
    command_id: UUID


class TakeBack(Message):
    """Undo what the command `command_id` did; one that waits for approval is not carried out."""

    kind: Literal["undo"] = "undo"
    command_id: UUID


class Direct(Message):
    """Have a host do this."""

    kind: Literal["order"] = "order"
    host: HostName
    order: Annotated[Block | Isolate, Field(discriminator="action")]


class Act(Message):
    """What `issuer` wants done: sent until it is answered, carried out once. Times are the issuer's."""

    version: Literal[1] = VERSION
    id: UUID
    issuer: PrincipalName
    issued_at: Time
    expires_at: Time
    what: Annotated[Approve | TakeBack | Direct, Field(discriminator="kind")]


class ActAnswer(Message):
    """What came of an act, once that is archived; `done` is false where nothing is done for it.

    The final alerts of `command_id` tell what the host did: of an undo that is the undo's own command.
    """

    version: Literal[1] = VERSION
    audience: PrincipalName
    act_id: UUID
    done: bool
    words: Sentence
    command_id: UUID | None = None
