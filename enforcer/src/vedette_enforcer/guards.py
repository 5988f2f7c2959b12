"""Which process may be ended: decided here, in one function, whatever a command says."""

from typing import Protocol

from .never_touch import duty
from .running import Running

_FIRST = 1


class Own(Protocol):
    """What is Vedette's: `line` are we and our ancestors; and `never`, the files that are spared, too."""

    line: frozenset[int]
    never: frozenset[str]

    def has(self, running: Running) -> bool:
        """Tell whether a process is one of Vedette's programs."""
        ...


def why_not(running: Running, own: Own, only_uid: int | None) -> str | None:
    """Return why a process may not be ended, as the end of a sentence; `None` if it may.

    With `only_uid`, only that user's: what a user's session says must not reach another user's programs.
    """
    if running.process.pid == _FIRST:
        return "it is the first process of the system"
    if running.of_kernel:
        return "it is a thread of the kernel"
    if running.process.pid in own.line:
        return "Vedette itself runs below it"
    if own.has(running):
        return "it is a program of Vedette"
    if only_uid is not None and running.uid != only_uid:
        return "it belongs to another user"
    return "never_touch.toml names it" if running.process.executable in own.never else duty(running)
