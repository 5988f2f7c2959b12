"""What accounts have done: the one function by which anything leaves the console as an act."""

import time
from typing import NamedTuple

from vedette_archive import ArchivedCommand
from vedette_schemas import ActAnswer, Alert, Approve, Direct, State, TakeBack, VedetteError, Wanted

from ..results import Came, Result, result
from .accounts import Account
from .roles import What, may
from .site import Site

OUTCOME_SECONDS = 3.0
"""How long a page waits for the host's word on it; what comes later is on the page by itself."""

_LOOK_SECONDS = 0.05


class NotAllowedError(VedetteError):
    """An account's role does not allow what it asked for."""


class Asked(NamedTuple):
    """What is to be done, and on which host; without one it is done on the server."""

    what: Wanted
    host: str = ""


def carry_out(site: Site, account: Account, kind: What, asked: Asked) -> Result:
    """Have something done for an account, and return what came of it.

    The act is signed with the console's key and names the account; analyzer and archive have both. Raise
    `NotAllowedError` where the role does not allow it, `NotAnsweredError` where nobody answers.
    """
    if not may(account.role, kind):
        raise NotAllowedError(f"your role, {account.role}, may not do that")
    answer = site.desk.act(asked.what, account.name)
    return _outcome(site, asked, answer)


def _outcome(site: Site, asked: Asked, answer: ActAnswer) -> Result:
    what = asked.what
    if not answer.done or answer.command_id is None or not isinstance(what, Approve | TakeBack | Direct):
        came = Came.DONE if answer.done else Came.REFUSED
        return Result(came, answer.words, asked.host, answer.command_id)
    deadline = time.monotonic() + OUTCOME_SECONDS
    alert = None
    while alert is None and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)  # nothing tells a reader of the archive that it was written to
        with site.archives.reading() as reader:
            alert = _final(reader.command(answer.command_id))
    return result(what, asked.host, answer, alert)


def _final(command: ArchivedCommand | None) -> Alert | None:
    if command is None or command.ending is None:
        return None
    return next((alert for alert in reversed(command.alerts) if alert.state is State.FINAL), None)
