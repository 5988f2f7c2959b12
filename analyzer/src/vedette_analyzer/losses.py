"""What reconciliation has found, as alerts: few, however much a host tells of itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from vedette_schemas import SERVER, Alert, Principal, Ranges, Severity, Stream
from vedette_transport.delivery import (
    ArchiveWentBack,
    Dropped,
    Fact,
    LostWithArchive,
    Missing,
    Vanished,
    WentBack,
)

from .ration import Ration, with_held_back
from .troubles import trouble
from .words import count

_SHOWN = 5
"""Ranges that an alert spells out."""

_A_WINDOW = 10
_WINDOW = timedelta(minutes=10)


class LossAlerts:
    """Makes alerts of facts: one for all of a sort that a heartbeat shows, ten in ten minutes a sender.

    The archive counts all that is lost, told or not; how many alerts were held back is said in the next.
    """

    def __init__(self) -> None:
        """Begin with nothing told."""
        self._ration = Ration(_A_WINDOW, _WINDOW)

    def alerts(self, facts: Sequence[Fact], principal: Principal, now: datetime) -> Iterator[Alert]:
        """Yield what is to be told of these facts about a sender."""
        for sort in dict.fromkeys(type(fact) for fact in facts):
            held_back = self._ration.take(str(principal), now)
            if held_back is not None:
                same = [fact for fact in facts if type(fact) is sort]
                yield _alert(same, principal, now, held_back)


def _alert(facts: Sequence[Fact], principal: Principal, now: datetime, held_back: int) -> Alert:
    detector, severity, words = _in_words(facts[0], principal)
    if len(facts) > 1:
        words += f"; the same holds for {len(facts) - 1} more of its streams"
    words = with_held_back(words, held_back)
    host = SERVER if isinstance(facts[0], ArchiveWentBack) else principal.host
    return trouble(detector, severity, words, now=now, host=host, name=f"{principal}|{facts}")


def _in_words(fact: Fact, principal: Principal) -> tuple[str, Severity, str]:
    match fact:
        case Dropped(stream, numbers):
            words = f"{_some(stream, numbers)} of {principal} {_were(numbers)} dropped"
            return "dropped", Severity.MEDIUM, f"{words}: it had no room to keep them"
        case Missing(stream, numbers):
            words = f"{_some(stream, numbers)} of {principal} {_are(numbers)} missing"
            return "missing", Severity.HIGH, f"{words}, and nobody says why"
        case LostWithArchive(stream, numbers):
            words = f"{_some(stream, numbers)} of {principal} {_were(numbers)} lost"
            return "missing", Severity.HIGH, f"{words} with a former state of the archive"
        case Vanished(stream, missing, after):
            words = f"{principal} no longer knows what {stream.kind} observations it had: its spool was lost"
            words += f"; {_some(stream, missing)} {_are(missing)} missing" if missing else ""
            return (
                "spool-lost",
                Severity.HIGH,
                f"{words}; if there were any after number {after}, they are lost",
            )
        case WentBack(stream, following, known):
            words = (
                f"the spool of {principal} ends at {stream.kind} observation {following - 1}, but more came "
                f"of it (up to {known - 1}): its disk was copied, or restored from a backup"
            )
            return "spool-went-back", Severity.HIGH, words
        case ArchiveWentBack(epochs):
            words = (
                f"{principal} was told that observations are archived by a state of the archive which it no "
                f"longer has ({', '.join(epochs)}): it was restored from a backup, or replaced"
            )
            return "archive-went-back", Severity.HIGH, words


def _some(stream: Stream, numbers: Ranges) -> str:
    pairs = numbers.pairs[:_SHOWN]
    shown = ", ".join(f"{first}–{last}" if first < last else str(first) for first, last in pairs)
    more = ", …" if len(numbers.pairs) > _SHOWN else ""
    return f"{count(len(numbers), f'{stream.kind} observation')} ({shown}{more})"


def _are(numbers: Ranges) -> str:
    return "is" if len(numbers) == 1 else "are"


def _were(numbers: Ranges) -> str:
    return "was" if len(numbers) == 1 else "were"
