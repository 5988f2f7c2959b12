"""The rows about phrases, any number of them found in one walk over a text."""

from collections.abc import Iterator

from .indicator import IndicatorType
from .keys import PHRASE, Lead
from .phrases import MAX_PHRASE_TOKENS, normal, tokens
from .shelves import Entry, Shelf

_REMEMBERED, _LONGEST_REMEMBERED = 4_096, 32


class PhraseIndex:
    """Finds the phrases in a text, word by word as in a tree."""

    def __init__(self, shelf: Shelf) -> None:
        """Look on this shelf."""
        self._get = shelf.get
        self._is_empty = IndicatorType.PHRASE not in shelf.types
        self._idle = {" "}

    def find(self, text: str) -> dict[str, Entry]:
        """Return the phrases that stand in the text, each with its rows."""
        found: dict[str, Entry] = {}
        if self._is_empty:
            return found
        idle = self._idle
        words = tokens(normal(text))
        for start, word in enumerate(words):
            if word in idle:
                continue
            entry = self._get(PHRASE + word)
            if entry is not None:
                found.update(self._from(words, start, word, entry))
            elif len(word) <= _LONGEST_REMEMBERED:
                if len(idle) >= _REMEMBERED:
                    idle.clear()
                idle.add(word)  # the same words stand in title after title
        return found

    def _from(self, words: list[str], start: int, text: str, entry: Entry) -> Iterator[tuple[str, Entry]]:
        following: Entry | None = entry
        for end in range(start + 1, start + 1 + MAX_PHRASE_TOKENS):
            if following is None:
                return
            if following.rows:
                yield text, following
            if not following.lead & Lead.PHRASES or end >= len(words):
                return
            text += words[end]
            following = self._get(PHRASE + text)
