"""How a message leaves: what each means of sending has in common."""

from typing import Protocol

from vedette_schemas import VedetteError

from .queue import Outgoing
from .showing import plain


class NotSentError(VedetteError):
    """A message has not arrived.

    `is_refused`: what receives it does not take these words, and might take others. `needs_help`: trying
    again won't help before a person does something.
    """

    def __init__(self, why: str, *, is_refused: bool = False, needs_help: bool = False) -> None:
        """Say why, in words of which none can harm a log."""
        super().__init__(plain(why, 300))
        self.is_refused, self.needs_help = is_refused, needs_help


class Sender(Protocol):
    """One means of sending, set up for one lane."""

    async def send(self, outgoing: Outgoing) -> None:
        """Send a message and return when it has arrived, as far as that can be known.

        Raise `NotSentError` where it has not.
        """
        ...
