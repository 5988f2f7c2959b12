"""Text as it was before somebody hid it: invisible characters dropped, defanged addresses restored."""

import re

_NOTHING = (
    r"\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0000-\U000e0fff"
)
# Joiners belong into some scripts; between ASCII characters they only hide something.
_INVISIBLE = re.compile(rf"(?<=[!-~])[{_NOTHING}\u200c\u200d]+(?=[!-~])|[{_NOTHING}]")
_DOTS = str.maketrans("\u2024\ufe52", "..")
"""Characters that browsers take for the dot in a host, and their parser here does not."""

_DEFANGED = re.compile(
    r"(?P<dot>[ ]?[\[({<][ ]?(?:[.\u3002\uff0e\uff61]|dot)[ ]?[\])}>][ ]?"
    r"|(?<=[a-z0-9])(?:[\[({\\]\.|\.[\])}])(?=[a-z0-9]))"
    r"|[\[({][ ]?(?P<mark>:|/{1,2}|:/{1,2}|@|at)[ ]?[\])}]"
    r"|(?<![a-z])(?:hxx|h\*\*|h__)p(?P<tls>s?)(?=[:\[({])",
    re.IGNORECASE,
)

_SPELT = re.compile(r"(?<=[^\s])[ ]+dot[ ]+(?=[^\s])", re.IGNORECASE)
_HINT = re.compile(
    r"[\[({<] ?(?:[.\u3002\uff0e\uff61:/@]|[dD][oO][tT]|[aA][tT])|[hH](?:[xX]{2}|\*\*|__)[pP]|\\\.|\.[\])}]"
)


def visible(text: str) -> str:
    """Drop characters that nobody sees, write dots in one way, and mend what is no Unicode."""
    return text if text.isascii() else _INVISIBLE.sub("", mended(text)).translate(_DOTS)


def mended(text: str) -> str:
    """Replace lone surrogates, which no parser and no message takes."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def looks_defanged(text: str) -> bool:
    """Tell cheaply whether `refang` could change the text."""
    return _HINT.search(text) is not None


def refang(text: str) -> str:
    """Undo what keeps an address from being clicked: `hxxp`, `[.]`, `(dot)`, `[:]`, `[at]`."""
    return _DEFANGED.sub(_restored, text) if looks_defanged(text) else text


def refanged_value(text: str) -> str:
    """Undo it in what is known to be an address: there a `dot` between blanks is no word."""
    return _SPELT.sub(".", refang(text)) if " " in text else refang(text)


def _restored(found: re.Match[str]) -> str:
    if found["dot"]:
        return "."
    mark = found["mark"]
    if mark:
        return "@" if mark.lower() == "at" else str(mark)
    return "https" if found["tls"] else "http"
