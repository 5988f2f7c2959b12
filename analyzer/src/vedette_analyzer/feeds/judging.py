"""Whether what came of a feed may take the place of what is in force."""

from typing import NamedTuple

from vedette_indicators.formats import FeedRecord, Format

_MOST_REFUSED = 0.5
_MORE_REFUSED = 0.1


class Made(NamedTuple):
    """What a content comes to: entries, those that said the same again, refused ones and some of these."""

    entries: int
    repeated: int
    refused: int
    samples: tuple[str, ...] = ()

    @property
    def refused_share(self) -> float:
        """The share that could not be an entry, 0 to 1."""
        said = self.entries + self.repeated + self.refused
        return self.refused / said if said else 0.0


def objection(before: FeedRecord, made: Made, form: Format) -> str:
    """Say why it should not take its place, in a sentence for who looks after feeds; empty where it may.

    Where an operator accepted a content of which much was refused, as much is no objection any more.
    """
    if not made.entries:
        first = f"; the first refused: {made.samples[0]}" if made.samples else ""
        return f"no entries in it{first}"
    if made.entries * 2 < before.entries:
        return f"{made.entries} entries where there were {before.entries}"
    accepted = max(_MOST_REFUSED, before.refused_share + _MORE_REFUSED if before.entries else 0.0)
    if form.by_line and made.refused_share > accepted:
        which = f"{made.refused} of {made.refused + made.entries + made.repeated} lines refused"
        return f"{which}, is its format {form}? The first: {made.samples[0]}"
    return ""
