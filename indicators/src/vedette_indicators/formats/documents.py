"""Feeds that are one JSON document: reading it, and what to expect of its parts."""

import json
from collections.abc import Iterator
from typing import BinaryIO, cast

from .entries import FormatError

MAX_DOCUMENT = 64 * 2**20
"""Bytes of a JSON feed: it is read as a whole, and takes six times that in memory, at worst thirty."""


def read_document(file: BinaryIO) -> object:
    """Return what a JSON file holds; raise `FormatError` where it is none, or too large."""
    content = file.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise FormatError(f"a JSON document larger than {MAX_DOCUMENT >> 20} MiB")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "no text"
        raise FormatError(f"not JSON ({where})") from None


def table(value: object) -> dict[str, object]:
    """Return a JSON object; an empty one in place of anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def array(value: object) -> list[object] | None:
    """Return a JSON array; nothing in place of anything else."""
    return cast("list[object]", value) if isinstance(value, list) else None


def tables(value: object) -> Iterator[dict[str, object]]:
    """Yield the objects of a JSON array."""
    for each in array(value) or ():
        if isinstance(each, dict):
            yield cast("dict[str, object]", each)


def text(value: object) -> str:
    """Return a JSON string; an empty one in place of anything else."""
    return value if isinstance(value, str) else ""
