"""What this host's settings let a command do, whatever the server says: decided here, in one function."""

from vedette_schemas import Command, Mode, Notify, SelfTest, Undo
from vedette_transport.signing import ActRefusedError, ActVerifier


class Ceiling:
    """The most that a command may bring about on this host."""

    def __init__(self, mode: Mode = Mode.ENFORCE, acts: ActVerifier | None = None) -> None:
        """`acts` tells which operators' acts are trusted; without it, none is."""
        self.mode, self._acts = mode, acts

    def why_not(self, command: Command) -> str | None:
        """Return why a command is not carried out, as a sentence; `None` if it may be.

        Taking back is always allowed, and so is a test, which does nothing. A notice changes nothing on the
        host, and tells its user why a program was closed: that needs no operator.
        """
        if self.mode is Mode.ENFORCE or isinstance(command.order, Undo | SelfTest):
            return None
        if self.mode is Mode.OBSERVE:
            return "this host's own settings allow nothing but observing and undoing"
        if isinstance(command.order, Notify):
            return None
        why = "this host does not know which operators to trust"
        if self._acts is not None:
            try:
                self._acts.prove(command)
            except ActRefusedError as refused:
                why = refused.reason
            else:
                return None
        return f"this host's own settings allow it only with an operator's approval: {why}"
