"""All that a page may need, in one place."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .accounts import Accounts
from .archives import Archives
from .sessions import Sessions
from .settings import ConsoleSettings
from .signing_in import SignIn
from .store import Store
from .turns import Turns

if TYPE_CHECKING:
    from .desk import Desk
    from .live import Live


@dataclass(frozen=True, slots=True)
class Site:
    """A running console."""

    settings: ConsoleSettings
    store: Store
    accounts: Accounts
    sessions: Sessions
    sign_in: SignIn
    archives: Archives
    desk: "Desk"
    live: "Live"
    turns: Turns = field(default_factory=Turns)
