"""Which commands are carried out: a payload and the time in, a task or a refusal out."""

from datetime import datetime, timedelta
from typing import NamedTuple

from vedette_schemas import MAX_TOKEN, Command, Mode, Notify, Outcome, OutcomeStatus, Process
from vedette_transport.signing import CommandRefusedError, Verifier

from .ceiling import Ceiling
from .known import LONGEST, Known

_CUT_SHORT = "the enforcer was ended while doing it"

_TOLD_A_MINUTE = 10
_TOLD_AGAIN_A_MINUTE = 60
_MINUTE = timedelta(minutes=1)
_NO_ACTION = "unknown"


class Task(NamedTuple):
    """A command that is to be carried out, as it came and when.

    `again`: it was being carried out when an earlier run of the enforcer was ended.
    """

    command: Command
    token: str
    taken_at: datetime
    again: bool = False

    def outcome(
        self, status: OutcomeStatus, reason: str, seen_at: datetime, ended: tuple[Process, ...] = ()
    ) -> Outcome:
        """Return what became of it."""
        if self.again:
            reason = f"{reason[:LONGEST]} (this was its second time: {_CUT_SHORT} before)"
        return Outcome(
            seen_at=seen_at,
            taken_at=self.taken_at,
            command_id=self.command.id,
            action=self.command.order.action,
            status=status,
            reason=reason,
            ended=ended,
            command=self.token,
        )


class Gate:
    """Lets through what is signed by who may command us, for us, now, and for the first time."""

    def __init__(
        self, verifier: Verifier, known: Known | None = None, ceiling: Ceiling | None = None
    ) -> None:
        """Let nothing through that is known, by default what this run took, nor what the ceiling forbids."""
        self._verifier, self._known = verifier, known or Known()
        self._ceiling = ceiling or Ceiling()
        self._signed, self._unsigned = _Ration(_TOLD_A_MINUTE), _Ration(_TOLD_A_MINUTE)
        self._again = _Ration(_TOLD_AGAIN_A_MINUTE)

    def take(self, payload: bytes | bytearray, now: datetime) -> Task | Outcome | None:
        """Return the task, the refusal, or the outcome that a repeated command had; `None` to say nothing.

        What was cut short by an end of the enforcer is carried out again if that does no harm: a process
        is named so exactly that ending it twice is ending it once, and the journal knows what was begun, but
        a notice would be shown twice.

        Nothing is said of a repeated command that is still being carried out: its outcome will come.
        Who can write to our topic must not be able to make us write as much: ten refusals a minute are
        told, and those held back are counted in the next. Validly signed ones have a ration of their own,
        which garbage can't use up.
        """
        token = _text(payload)
        try:
            command = self._verifier.verify(token, now)
            if (why := self._ceiling.why_not(command)) is not None:
                raise CommandRefusedError(why, command)
            if not self._known.is_new(command, now):
                return self._repeat(command, token, now)
        except CommandRefusedError as refused:
            return self._refuse(refused, token, now)
        except Exception as fault:  # noqa: BLE001 (what anyone may send must not be able to stop us)
            unreadable = CommandRefusedError(f"it can't be read ({type(fault).__name__})")
            return self._refuse(unreadable, token, now)
        return Task(command, token, now)

    @property
    def mode(self) -> Mode:
        """What the host lets commands bring about at most."""
        return self._ceiling.mode

    def settled(self, outcome: Outcome) -> None:
        """Record what became of a task."""
        self._known.settled(outcome)

    def _repeat(self, command: Command, token: str, now: datetime) -> Task | Outcome | None:
        if not self._known.has_same_order(command):
            raise CommandRefusedError("its id came before with another order", command)
        if self._known.was_cut_short(command):
            task = Task(command, token, now, again=True)
            if not isinstance(command.order, Notify):
                return task
            failed = task._replace(again=False).outcome(OutcomeStatus.FAILED, _CUT_SHORT, now)
            self._known.settled(failed)
            return failed
        outcome = self._known.outcome(command)
        if outcome is None or self._again.take(now) is None:
            return None
        return outcome.model_copy(update={"command": token, "repeated": True})

    def _refuse(self, refused: CommandRefusedError, token: str, now: datetime) -> Outcome | None:
        ration = self._unsigned if refused.command is None else self._signed
        held_back = ration.take(now)
        if held_back is None:
            return None
        reason = f"refused: {refused.reason}"
        if held_back:
            reason += f" ({held_back} more were refused since the last that was told)"
        if refused.command is None:
            return Outcome(
                seen_at=now,
                taken_at=now,
                command_id=None,
                action=_NO_ACTION,
                status=OutcomeStatus.REFUSED,
                reason=reason,
            )
        return Task(refused.command, token, now).outcome(OutcomeStatus.REFUSED, reason, now)


def _text(payload: bytes | bytearray) -> str:
    """Return the payload as a token; what is none becomes the empty one, which nobody signed."""
    if len(payload) > MAX_TOKEN:
        return ""
    try:
        return payload.decode("ascii")
    except UnicodeDecodeError:
        return ""


class _Ration:
    """So many a minute, and how many more there were."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._since: datetime | None = None
        self._taken = self._held_back = 0

    def take(self, now: datetime) -> int | None:
        """Return how many were held back since the last that was let through; `None` to hold back this."""
        if self._since is None or not self._since <= now < self._since + _MINUTE:
            self._since, self._taken = now, 0
        if self._taken >= self._a_minute:
            self._held_back += 1
            return None
        self._taken += 1
        held_back, self._held_back = self._held_back, 0
        return held_back
