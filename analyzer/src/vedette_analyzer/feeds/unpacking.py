"""Undoes the compression of a body, a bounded step at a time."""

import zlib
from collections.abc import Iterable, Iterator

from .reaching import SourceError

STEP = 2**18
"""Bytes that come out at a time at most: 64 KiB of zeros pack 64 MiB, and packed twice 64 GiB."""

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(parts: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield what a body's parts hold; raise `SourceError` where they are packed in a way not asked for."""
    match encoding.strip().lower():
        case "" | "identity":
            yield from parts
        case "gzip" | "x-gzip":
            yield from _gunzipped(parts)
        case _:
            raise SourceError("it answers in a compression that was not asked for")


def _gunzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    engine = zlib.decompressobj(_GZIP)
    try:
        for part in parts:
            rest = part
            while rest:
                if engine.eof:  # a file may be several, one after the other
                    engine = zlib.decompressobj(_GZIP)
                yield engine.decompress(rest, STEP)
                rest = engine.unused_data if engine.eof else engine.unconsumed_tail
    except zlib.error:
        raise SourceError("what came is damaged: it can't be unpacked") from None
    if not engine.eof:
        raise SourceError("what came is cut off")
