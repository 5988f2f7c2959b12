"""The lists that detectors look in: replaced in one step, while judging goes on."""

from collections.abc import Iterator, Mapping

from vedette_indicators import IndicatorTable, IndicatorType, ListAction, Match, Via, first_url
from vedette_indicators.look_alikes import LookAlikes
from vedette_indicators.observed import hits
from vedette_schemas import Observation, Severity, Where

from ..finding import Finding

_NETWORK = frozenset({IndicatorType.URL, IndicatorType.HOST, IndicatorType.IP, IndicatorType.IP_PORT})
_SPOKEN_OF = frozenset({Via.DEFANGED, Via.MAIL, Via.REDIRECT})
"""A defanged URL, a mail address, a URL within another: spoken of rather than visited."""


class Lists:
    """Holds the table in force; a detector reads it anew for each observation."""

    def __init__(self, table: IndicatorTable, look_alikes: LookAlikes | None = None) -> None:
        """Begin with `table`; what `look_alikes` protects stays as it is."""
        self.table = table
        self.look_alikes = look_alikes or LookAlikes(())


def findings(
    detector: str, lists: Lists, observation: Observation, things: Mapping[Where, str], text: str = ""
) -> Iterator[Finding]:
    """Yield a finding for each hit; `things` says in words what was looked at, `text` is all of it."""
    for match, where in hits(lists.table, observation):
        row, thing = match.indicator, things[where]
        spoken_of = match.via in _SPOKEN_OF
        yield Finding(
            detector=detector,
            severity=_lower(row.severity) if spoken_of else row.severity,
            summary=f"{thing} is listed: {row.type} {row.written}"
            + (f" ({row.comment})" if row.comment else ""),
            technique=row.attack or None,
            wants=row.action,
            match=match,
            where=where,
            spoken_of=spoken_of,
            blockable=_blockable(match, "" if where is Where.PROGRAM else text),
        )


def _blockable(match: Match, text: str) -> str | None:
    """Return what a block would block: what is listed, or the URL beside a listed phrase."""
    if match.indicator.type is IndicatorType.CIDR:
        return match.subject
    if match.indicator.type in _NETWORK:
        return match.indicator.value
    return None if match.indicator.action is ListAction.ALERT else first_url(text)


def _lower(severity: Severity) -> Severity:
    levels = list(Severity)
    return levels[max(0, levels.index(severity) - 1)]
