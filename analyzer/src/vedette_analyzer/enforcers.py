"""What is known of the enforcers that are to carry orders out: as each told with its last heartbeat."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from vedette_schemas import ANALYZER, Action, Command, Life, Mode, Order, Principal, Status

MAX_ENFORCERS = 10_000
MAX_AHEAD = timedelta(days=366)
"""How far an enforcer's clock may be off: commands are in its time, but not in any time."""

_MODES = frozenset(Mode)


@dataclass(frozen=True, slots=True)
class _Enforcer:
    """What an enforcer's last heartbeat told: its clock against ours, and what it can do."""

    ahead: timedelta
    facts: dict[str, str]
    life: Life
    connection: str


class Enforcers:
    """The enforcers, each as its last heartbeat told."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: OrderedDict[str, _Enforcer] = OrderedDict()
        self._expected: set[str] = set()

    def expect(self, enforcer: Principal) -> None:
        """Take note of one that an analyzer before this one heard."""
        self._expected.add(str(enforcer))

    def heard(self, status: Status, now: datetime) -> None:
        """Remember a heartbeat.

        The last will of an older connection says nothing. The enforcer heard longest ago is forgotten
        where there are too many.
        """
        before = self._known.get(status.principal)
        is_older = before is not None and before.connection != status.connection
        if is_older and status.life is not Life.RUNNING:
            return
        known = _Enforcer(status.at - now, dict(status.facts), status.life, status.connection)
        self._known[status.principal] = known
        self._known.move_to_end(status.principal)
        if len(self._known) > MAX_ENFORCERS:
            self._known.popitem(last=False)

    def knows(self, enforcer: Principal) -> bool:
        """Tell whether it was heard, by us or by an analyzer before us."""
        return str(enforcer) in self._known or str(enforcer) in self._expected

    def running(self, enforcer: Principal) -> bool:
        """Tell whether it can be sent a command now."""
        known = self._known.get(str(enforcer))
        return known is not None and known.life is Life.RUNNING and abs(known.ahead) <= MAX_AHEAD

    def obstacle(self, enforcer: Principal, action: Action) -> str | None:
        """Return why it can't do `action`, in its own words; `None` if it can or was not heard yet."""
        known = self._known.get(str(enforcer))
        if known and abs(known.ahead) > MAX_AHEAD:
            return "its clock is off by more than a year"
        fact = known.facts.get(action, f"off: it does not know how to {action}") if known else "on"
        return None if fact.startswith("on") else fact.removeprefix("off:").strip()

    def ceiling(self, enforcer: Principal) -> Mode:
        """Return the mode that the host itself allows at most."""
        known = self._known.get(str(enforcer))
        told = known.facts.get("mode", "") if known else ""
        return Mode(told) if told in _MODES else Mode.ENFORCE

    def clock_moved(self, by: timedelta) -> None:
        """Take in that the server's clock was set: what was reckoned against it moves along."""
        self._known.update(
            {name: replace(known, ahead=known.ahead - by) for name, known in self._known.items()}
        )

    def in_our_time(self, enforcer: Principal, at: datetime) -> datetime:
        """Return a time by an enforcer's clock by ours, as far as its clock is known."""
        known = self._known.get(str(enforcer))
        return at - known.ahead if known and abs(known.ahead) <= MAX_AHEAD else at

    def command(
        self,
        name: UUID,
        audience: Principal,
        order: Order,
        *,
        issued_at: datetime,
        expires_at: datetime,
        act: str | None,
    ) -> Command:
        """Return an order as a command, in the enforcer's own time."""
        ahead = self._known[str(audience)].ahead
        return Command(
            id=name,
            issuer=str(ANALYZER),
            audience=str(audience),
            issued_at=issued_at + ahead,
            expires_at=expires_at + ahead,
            order=order,
            act=act,
        )
