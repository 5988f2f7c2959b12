"""Phrases: their one form, and a tree of words to find any number of them in one walk over a text."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Generic, TypeVar, cast

from .defanging import visible

MAX_PHRASE_TOKENS = 200

_WITHOUT_BLANKS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# A word, or one character that is none. Scripts without blanks have no words to see: each character counts.
_TOKEN = re.compile(rf"[^\W{_WITHOUT_BLANKS}]+|[^\s]|\s+")
_T = TypeVar("_T")


def normal(text: str) -> str:
    """Return text as phrases are compared: compatibility forms, case and runs of blanks folded."""
    if text.isascii():
        return " ".join(text.lower().split())
    text = visible(text).replace("\u200c", "").replace("\u200d", "")
    text = unicodedata.normalize("NFD", text).casefold()
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def tokens(normal_text: str) -> list[str]:
    """Split normal text so that a phrase found token by token begins and ends at word boundaries."""
    return _TOKEN.findall(normal_text)


class PhraseTree(Generic[_T]):
    """What belongs to each phrase; looking costs the same for one phrase and for a million."""

    def __init__(self) -> None:
        self._root: dict[str, object] = {}

    def add(self, phrase: str, thing: _T) -> None:
        """Keep `thing` under a phrase in normal form."""
        node = self._root
        for token in tokens(phrase):
            node = cast("dict[str, object]", node.setdefault(token, {}))
        cast("list[_T]", node.setdefault("", [])).append(thing)

    def find(self, normal_text: str) -> Iterator[tuple[str, list[_T]]]:
        """Yield each phrase that stands in the text, once, with what belongs to it."""
        words = tokens(normal_text)
        seen: set[str] = set()
        for start, word in enumerate(words):
            if word not in self._root:
                continue
            for phrase, things in self._from(words, start):
                if phrase not in seen:
                    seen.add(phrase)
                    yield phrase, things

    def _from(self, words: list[str], start: int) -> Iterator[tuple[str, list[_T]]]:
        node = self._root
        for end in range(start, min(start + MAX_PHRASE_TOKENS, len(words))):
            following = node.get(words[end])
            if following is None:
                return
            node = cast("dict[str, object]", following)
            if "" in node:
                yield "".join(words[start : end + 1]), cast("list[_T]", node[""])
