"""Phrases: their one form, and the words that they begin and end with."""

import re
import unicodedata

from .defanging import visible

MAX_PHRASE_TOKENS = 200

_WITHOUT_BLANKS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# A word, or one character that is none. Scripts without blanks have no words to see: each character counts.
_TOKEN = re.compile(rf"[^\W{_WITHOUT_BLANKS}]+|[^\s]|\s+")
_ASCII_TOKEN = re.compile(r"[a-z0-9_]+|.")


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
    return (_ASCII_TOKEN if normal_text.isascii() else _TOKEN).findall(normal_text)
