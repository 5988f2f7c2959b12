"""Ending a program: the way that this system has."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from vedette_schemas import SettingsError, Terminate

from .ended import Ended, refused
from .never_touch_file import read_never_touch

if sys.platform == "linux":
    import pwd

    from . import terminate_linux
    from .own_linux import OwnProcesses

    def terminate(order: Terminate, term_seconds: float, never: frozenset[str] = frozenset()) -> Ended:
        """End the program that `order` names, if it may be ended; this can take seconds."""
        return terminate_linux.end(order, OwnProcesses(never=never), term_seconds)

    def ability() -> str:
        """Say which programs can be ended here: `on …`, or `off: why`."""
        try:
            os.close(os.pidfd_open(os.getpid()))
        except OSError as error:
            return f"off: this kernel gives no pidfd ({error.strerror})"
        if os.geteuid() == 0:
            return "on"
        return f"on: programs of user {_user()} only (not root)"

    def _user() -> str:
        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            return str(os.geteuid())

else:
    from . import terminate_portable

    def terminate(order: Terminate, term_seconds: float, never: frozenset[str] = frozenset()) -> Ended:
        """End the program that `order` names, if it may be ended; this can take seconds."""
        return terminate_portable.end(order, terminate_portable.OwnProcesses(never), term_seconds)

    def ability() -> str:
        """Say which programs can be ended here: `on …`, or `off: why`."""
        return "on: programs that the enforcer's account may end"


def sparing(never_touch: Path) -> Callable[[Terminate, float], Ended]:
    """Return what ends a program that this file does not name; it is read each time."""

    def end(order: Terminate, term_seconds: float) -> Ended:
        try:
            never = read_never_touch(never_touch)
        except SettingsError as error:
            return refused(f"what may be is not known ({error})"[:900])
        return terminate(order, term_seconds, frozenset(never.programs))

    return end
