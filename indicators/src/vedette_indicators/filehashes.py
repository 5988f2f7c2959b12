"""Hashes of files in one form."""

import re

_HEX = re.compile(r"(?:(?P<kind>md5|sha-?1|sha-?256|sha-?512)\s*[:=]?\s*)?(?P<digits>[0-9a-f]+)")
_KINDS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_EMPTY = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    }
)


def read_hash(text: str) -> str | None:
    """Read an MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal, with or without its kind before it."""
    found = _HEX.fullmatch(text.strip().lower())
    if found is None:
        return None
    kind = _KINDS.get(len(found["digits"]))
    said = (found["kind"] or kind or "").replace("-", "")
    return found["digits"] if kind is not None and said == kind else None


def is_of_nothing(digits: str) -> bool:
    """Tell whether it is the hash of the empty file, which no list should hold."""
    return digits in _EMPTY
