"""Reads a feed from text."""

import io
import json
from typing import NamedTuple

from vedette_indicators.formats import Columns, Entry, Format, Refused, read_feed


class Reading(NamedTuple):
    """What came of a feed: entries as `type value`, refusals by their place."""

    entries: list[Entry]
    refused: list[Refused]

    @property
    def values(self) -> list[str]:
        return [f"{entry.type} {entry.value}" for entry in self.entries]

    @property
    def reasons(self) -> dict[int | str, str]:
        return {each.place: each.reason for each in self.refused}


def reading(form: Format, content: object, columns: Columns | None = None) -> Reading:
    if isinstance(content, dict | list):
        content = json.dumps(content)
    raw = content if isinstance(content, bytes) else str(content).encode()
    items = list(read_feed(form, io.BytesIO(raw), columns))
    return Reading(
        [item for item in items if isinstance(item, Entry)],
        [item for item in items if isinstance(item, Refused)],
    )
