"""The text by which a self-test knows its own observations again, and which changes nothing anywhere."""

import re
import secrets

_PREFIX = "vedette-selftest-"
_TEXT = re.compile(f"{_PREFIX}[0-9a-f]{{32}}")


def selftest_text() -> str:
    """Return a text that nobody can guess, for a window's title or a copied text."""
    return _PREFIX + secrets.token_hex(16)


def is_selftest(text: str) -> bool:
    """Tell whether a text is of that form, and nothing else."""
    return text.startswith(_PREFIX) and _TEXT.fullmatch(text) is not None
