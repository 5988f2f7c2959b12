"""What a detector says: something in an observation matters, and why."""

from dataclasses import dataclass

from vedette_indicators import ListAction, Match
from vedette_schemas import Severity, Where


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a detector found in one observation.

    `wants` is what the indicator's row asks for; a detector without a list wants an alert. `spoken_of`:
    what hit was rather spoken of than visited. `blockable` is the URL, host or address to block, if any.
    """

    detector: str
    severity: Severity
    summary: str
    technique: str | None = None
    wants: ListAction = ListAction.ALERT
    match: Match | None = None
    where: Where | None = None
    spoken_of: bool = False
    blockable: str | None = None

    @property
    def indicator(self) -> str | None:
        """What names the list's entry that hit, if one did: on one host an undo mutes it."""
        found = self.match
        return None if found is None else f"{found.indicator.type}|{found.indicator.value}"

    @property
    def key(self) -> str:
        """What tells this finding from the others of its observation."""
        if self.match is None:
            return self.detector
        return f"{self.detector}|{self.where}|{self.match.indicator.type}|{self.match.indicator.value}"
