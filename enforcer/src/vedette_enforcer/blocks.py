"""Blocks and isolation: begun, undone, expired, and put right when someone else has changed them.

The order is always the same: the journal first, then the system is made what the journal says. So a crash
anywhere leaves nothing that the next start does not mend.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from vedette_schemas import (
    Block,
    BlockedAddress,
    BlockedHost,
    BlockedPage,
    Isolate,
    OutcomeStatus,
    VedetteError,
)

from .clock import Clock
from .ended import Ended, failed
from .journal import Act, Entry, Journal, State
from .never_touch_file import NeverTouch
from .part import ActError, Part
from .protected import why_not, why_not_address
from .surroundings import Surroundings
from .wanted import Resolved, to_resolve, wanted
from .words import covered, described, ending

log = logging.getLogger(__name__)

_LIVE = (State.PLANNED, State.IN_FORCE)
_LOOK_EVERY, _LOOK_IDLE = 1.0, 10.0
_SELDOM = 5
"""Looks that are left out before what costs more is looked at."""


class Blocks:
    """What is in force on this host. For one thread."""

    def __init__(
        self,
        journal: Journal,
        parts: Sequence[Part],
        *,
        around: Callable[[], Surroundings],
        never: Callable[[], NeverTouch],
        lock: Callable[[], AbstractContextManager[None]],
        clock: Clock,
        resolved: Callable[[frozenset[str]], Resolved] = lambda _: {},
    ) -> None:
        """`lock` is held while the system is made what the journal says: others do that as well.

        `resolved` gives the addresses of names, as they are known by now.
        """
        self._journal, self._parts = journal, parts
        self._around_now, self._never, self._lock, self._clock = around, never, lock, clock
        self._resolve = resolved
        self._resolved: Resolved = {}
        self._around = around()
        self._version = journal.version()
        self._looks = 0
        self._released_as_of: int | None = None
        self._released: set[UUID] = set()
        self.problems: dict[str, str] = {}
        self.put_right = 0

    def begin(self, id_: UUID, act: Act, taken_at: datetime) -> Ended:
        """Put an act into force, unless it was undone, is over or may not be."""
        known = self._journal.entry(id_)
        if self._journal.is_buried(id_) or (known is not None and known.state is State.UNDONE):
            return Ended(OutcomeStatus.REFUSED, "not done: it was undone before it came")
        if known is not None and known.state is State.RELEASED:
            return Ended(OutcomeStatus.REFUSED, "not done: it was released at the host's own console")
        if known is not None and known.state is State.EXPIRED:
            return Ended(OutcomeStatus.DONE, f"{described(act)} was in force until {ending(known)}")
        if known is None or known.state is State.FAILED:
            self._around = self._around_now()
            obstacle = self._obstacle(act)
            if obstacle is not None:
                return obstacle
            known = self._journal.plan(id_, act, taken_at)
        return self._enforce(known)

    def undo(self, id_: UUID) -> Ended:
        """Take an act back; one that is not known yet is refused when it comes."""
        known = self._journal.entry(id_)
        if known is None:
            self._journal.bury(id_)
            return Ended(OutcomeStatus.DONE, "nothing of that command is in force; it is refused if it comes")
        what = described(known.act)
        if known.state not in _LIVE:
            return Ended(OutcomeStatus.DONE, f"{what} was over already ({known.state})")
        self._journal.set_state(State.UNDONE, id_)
        problems = self._problems_of(known.act)
        if problems:
            return failed(f"{what} is undone, but not yet lifted ({_joined(problems)}); it is tried again")
        same = [entry for entry in self._journal.live() if _target(entry.act) == _target(known.act)]
        stays = f"; another command keeps it in force until {ending(same[-1])}" if same else ""
        return Ended(OutcomeStatus.DONE, f"{what} is undone; it would have ended at {ending(known)}{stays}")

    def release(self, *ids: UUID) -> dict[str, str]:
        """Undo these at the host's own console; return what could not be lifted, by part."""
        self._journal.set_state(State.RELEASED, *ids)
        return self.reconcile()

    def reconcile(self) -> dict[str, str]:
        """Make the system what the journal says; return what could not be done, by part."""
        self._journal.expire()
        with self._lock():
            self._version = self._journal.version()
            live = self._journal.live()
            self._resolved = self._resolve(to_resolve(live))
            union = wanted(live, self._blockable(self._resolved))
            problems: dict[str, str] = {}
            for part in self._parts:
                try:
                    part.apply(union, self._around)
                except ActError as error:
                    problems[part.name] = str(error)
        for name, problem in problems.items():
            if self.problems.get(name) != problem:
                log.error("%s: %s", name, problem)
        self.problems = problems
        return problems

    def look(self) -> None:
        """See to what has had its time, and to what others have changed."""
        self._looks += 1
        seldom = self._looks % _SELDOM == 0
        is_due = bool(self._journal.expire()) or self._journal.version() != self._version
        if self._journal.live():
            disturbed = [part.name for part in self._parts if part.disturbed()]
            if disturbed:
                self.put_right += 1
                if self.put_right.bit_count() == 1:  # 1, 2, 4, 8, …
                    log.warning(
                        "%s: changed by someone else, put right (%d so far)",
                        " and ".join(disturbed),
                        self.put_right,
                    )
            if seldom and (around := self._around_now()) != self._around:
                self._around, is_due = around, True
            renamed = self._resolve(to_resolve(self._journal.live())) != self._resolved
            is_due = is_due or bool(disturbed) or renamed
        if is_due or (seldom and self.problems):
            self.reconcile()

    def seconds_to_look(self) -> float:
        """Return how long nothing is to be seen to."""
        live = self._journal.live()
        if not live:
            return _LOOK_EVERY if self.problems else _LOOK_IDLE
        return max(0.0, min(_LOOK_EVERY, live[0].ends - self._clock().uptime))

    def live(self) -> list[Entry]:
        """Return what is in force."""
        return self._journal.live()

    def released(self) -> list[Entry]:
        """Return what was released at the host's own console since this was last asked, at first all."""
        if self._released_as_of == (version := self._journal.version()):
            return []
        new = [entry for entry in self._journal.released() if entry.id not in self._released]
        self._released |= {entry.id for entry in new}
        self._released_as_of = version
        return new

    def _blockable(self, resolved: Resolved) -> Resolved:
        """Leave out what may not be blocked: whoever owns a name says what its addresses are."""
        if not resolved:
            return resolved
        try:
            never = self._never()
        except VedetteError:
            return {}
        return {
            name: frozenset(each for each in found if why_not_address(each, self._around, never) is None)
            for name, found in resolved.items()
        }

    def _obstacle(self, act: Act) -> Ended | None:
        abilities = [part.ability() for part in self._parts if part.name in _serving(act)]
        if not any(ability.startswith("on") for ability in abilities):
            reasons = dict.fromkeys(ability.removeprefix("off: ") for ability in abilities)
            return failed(f"not done: {'; '.join(reasons)}")
        if isinstance(act, Isolate):
            if not self._around.broker:
                return Ended(
                    OutcomeStatus.REFUSED,
                    "not isolated: the broker's address can't be told, nor the way back",
                )
            return None
        try:
            why = why_not(act, self._around, self._never())
        except VedetteError as error:
            why = f"what may be is not known ({error})"
        return Ended(OutcomeStatus.REFUSED, f"not blocked: {why}"[:1_000]) if why is not None else None

    def _problems_of(self, act: Act) -> dict[str, str]:
        """Make the system what the journal says; return what could not be done of the parts of this act."""
        return {name: why for name, why in self.reconcile().items() if name in _serving(act)}

    def _enforce(self, entry: Entry) -> Ended:
        problems = self._problems_of(entry.act)
        serving = [part for part in self._parts if part.name in _serving(entry.act)]
        able = [part for part in serving if part.ability().startswith("on")]
        if all(part.name in problems for part in able):
            self._journal.set_state(State.FAILED, entry.id)
            self.reconcile()
            return failed(f"not done: {_joined(problems)}")
        self._journal.set_state(State.IN_FORCE, entry.id)
        now = self._journal.entry(entry.id)
        if now is None or now.state is State.RELEASED:
            return failed("it was released at the host's own console meanwhile")
        working = {part.name: part.ability() for part in able if part.name not in problems}
        return Ended(OutcomeStatus.DONE, covered(now, working, problems)[:1_000])


def _serving(act: Act) -> tuple[str, ...]:
    """Return the parts that an act rests on."""
    match act:
        case Isolate() | Block(target=BlockedAddress()):
            return ("addresses",)
        case Block(target=BlockedHost()):
            return ("names", "pages")
        case Block(target=BlockedPage()):
            return ("pages",)
        case _:  # pragma: no cover
            return ()


def _target(act: Act) -> object:
    return act.target if isinstance(act, Block) else None


def _joined(problems: dict[str, str]) -> str:
    return "; ".join(problems.values())
