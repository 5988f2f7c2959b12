"""What becomes of a report: what of it is new is judged, and is archived with what that leads to."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from vedette_archive import Place, Run
from vedette_schemas import (
    Ack,
    Alert,
    Arrived,
    Observation,
    Principal,
    Severity,
    Unreadable,
    encode,
)
from vedette_schemas.observations import AnyObservation
from vedette_transport.delivery import Receiver

from .core import Analyzer
from .faults import trace
from .orders import Effect
from .ration import Ration, with_held_back
from .suspects import JudgingMark, Suspects, Trial
from .troubles import trouble

log = logging.getLogger(__name__)

_PAUSE = timedelta(minutes=1)
"""Within it, a sender's unreadable items are told of once."""

_ITEMS: TypeAdapter[tuple[Observation | None, ...]] = TypeAdapter(tuple[AnyObservation | None, ...])


class Intake:
    """Takes reports in; what they lead to is yielded: acks and commands to send, all else to archive."""

    def __init__(self, receiver: Receiver, analyzer: Analyzer, mark: JudgingMark, suspects: Suspects) -> None:
        """Judge with `analyzer` what `receiver` has not had."""
        self._receiver, self._analyzer, self._mark, self._suspects = receiver, analyzer, mark, suspects
        self._ration = Ration(1, _PAUSE)

    def report(
        self, arrived: Arrived, size: int, received_at: datetime, now: Callable[[], datetime]
    ) -> Iterator[Effect | Ack | Run]:
        """Take a report of `size` bytes in."""
        if self._suspects and not self._cleared(arrived):
            return
        arrived = self._without_the_deadly(arrived)
        stream, count = arrived.envelope.stream, len(arrived.items)
        taken = self._receiver.take(stream, arrived.envelope.first, [size // count] * count)
        if taken.new:
            # First of all, and whatever becomes of the rest: what is taken is acked with the next commit.
            yield self._run(arrived, received_at)
        if taken.ack is not None:
            yield taken.ack
        if not taken.new:
            return
        self._mark.stream(stream)
        try:
            yield from self._analyzer.report(
                arrived, taken.new, received_at=received_at, now=now, judging=self._mark.number
            )
        except Exception as error:  # noqa: BLE001 (no single report may end us)
            log.error("a report could not be judged: %s", trace(error))  # noqa: TRY400
        self._mark.clear()
        bad = [item for item in arrived.items if isinstance(item, Unreadable)]
        if bad:
            yield from self._unreadable(Principal.parse(stream.principal), bad, received_at)

    def _run(self, arrived: Arrived, received_at: datetime) -> Run:
        readable = tuple(None if isinstance(item, Unreadable) else item for item in arrived.items)
        return Run(
            stream=arrived.envelope.stream,
            first=arrived.envelope.first,
            count=len(arrived.items),
            received_at=received_at,
            items=_ITEMS.dump_json(readable, exclude_none=True).decode(),
            unreadable={
                number: item
                for number, item in enumerate(arrived.items, arrived.envelope.first)
                if isinstance(item, Unreadable)
            },
        )

    def _cleared(self, arrived: Arrived) -> bool:
        """Tell whether no item waits for its trial; a report that has to wait is sent again."""
        return not any(
            trial is Trial.RUNNING for trial in [self._trial(arrived, at) for at in range(len(arrived.items))]
        )

    def _without_the_deadly(self, arrived: Arrived) -> Arrived:
        """Set aside what killed the child process too."""
        if not self._suspects:
            return arrived
        items = tuple(
            Unreadable("judging it ended the analyzer, again and again", encode(item))
            if not isinstance(item, Unreadable) and self._trial(arrived, at) is Trial.DIED
            else item
            for at, item in enumerate(arrived.items)
        )
        return arrived._replace(items=items)

    def _trial(self, arrived: Arrived, at: int) -> Trial:
        item = arrived.items[at]
        place = Place(arrived.envelope.stream, arrived.envelope.first + at)
        if isinstance(item, Unreadable) or place not in self._suspects:
            return Trial.SURVIVED
        return self._suspects.trial(place, item)

    def _unreadable(self, sender: Principal, bad: list[Unreadable], at: datetime) -> Iterator[Alert]:
        held_back = self._ration.take(str(sender), at)
        if held_back is not None:
            what = "an observation" if len(bad) == 1 else f"{len(bad)} observations"
            words = f"{what} of {sender} could not be read: {bad[0].reason}"
            words = with_held_back(words, held_back)
            yield trouble("unreadable", Severity.MEDIUM, words, now=at, host=sender.host)
