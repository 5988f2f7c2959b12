"""What operators tell the analyzer to do, and its answer. An act travels as a JWS, signed by who acts."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field, StringConstraints

from .commands import Block, Isolate, Order, SelfTest
from .fields import VERSION, HostName, Message, Sentence, Sha256, Time
from .incidents import Triage
from .principals import PrincipalName
from .suppressing import Lift, Suppress

_NAMESPACE = UUID("5b1c8f0e-5a43-5d0c-8f5e-6f2a3c1d9e47")


def ordered_id(act_id: UUID, order: Order) -> UUID:
    """Return the id of the command by which an act's own order is carried out: always the same one."""
    return uuid5(_NAMESPACE, f"{act_id}|{order.action}")


class Approve(Message):
    """Carry out the command `command_id`, which waits for that.

    An id says nothing of what is done: `host` is where, and `order` the digest of what its author was shown.
    """

    kind: Literal["approve"] = "approve"
    command_id: UUID
    host: HostName
    order: Sha256


class TakeBack(Message):
    """Undo what the command `command_id` did; one that waits for approval is not carried out."""

    kind: Literal["undo"] = "undo"
    command_id: UUID


class Direct(Message):
    """Have a host do this."""

    kind: Literal["order"] = "order"
    host: HostName
    order: Annotated[Block | Isolate | SelfTest, Field(discriminator="action")]


Wanted = Approve | TakeBack | Direct | Suppress | Lift | Triage
"""What an operator can want done."""


AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$")]
"""A person's name at a console."""


class Act(Message):
    """What `issuer` wants done: sent until it is answered, carried out once. Times are the issuer's.

    A console names the `account` for which it acts.
    """

    version: Literal[1] = VERSION
    id: UUID
    issuer: PrincipalName
    issued_at: Time
    expires_at: Time
    what: Annotated[Wanted, Field(discriminator="kind")]
    account: AccountName | None = None

    @property
    def author(self) -> str:
        """Who wants it, as people are told: `operator@anna`, `console@main/anna`."""
        return self.issuer if self.account is None else f"{self.issuer}/{self.account}"


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
