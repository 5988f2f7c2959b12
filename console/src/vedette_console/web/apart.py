"""Runs what takes all of a core for seconds in a process of its own: meanwhile pages go on being live."""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from vedette_schemas import SettingsError, VedetteError

_P = ParamSpec("_P")
_T = TypeVar("_T")

_ONE_AT_A_TIME = threading.Lock()
_PATIENCE_SECONDS = 1.0


def apart(function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Return what a function of a module returns that is called in another process, one at a time.

    Raise `SettingsError` with the words of what it raises, or while somebody else's runs.
    """
    if not _ONE_AT_A_TIME.acquire(timeout=_PATIENCE_SECONDS):
        raise SettingsError("somebody else has the past searched just now: try again in some seconds")
    try:
        asked = pickle.dumps((function, arguments, named))
        command = [sys.executable, "-P", "-m", __name__]
        done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, check=False)
    finally:
        _ONE_AT_A_TIME.release()
    if done.returncode != 0:
        raise SettingsError("that could not be searched for: the console's log says why")
    found, trouble = pickle.loads(done.stdout)  # noqa: S301 (our own process wrote it)
    if trouble:
        raise SettingsError(trouble)
    return cast("_T", found)


def _main() -> None:
    function, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301 (the console wrote it)
    try:
        answer = function(*arguments, **named), ""
    except VedetteError as error:
        answer = None, str(error)
    sys.stdout.buffer.write(pickle.dumps(answer))


if __name__ == "__main__":
    _main()
