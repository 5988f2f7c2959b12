"""Makes a list of a feed's content."""

from pathlib import Path
from typing import BinaryIO

from vedette_indicators import COLUMNS
from vedette_indicators.formats import MAX_SAMPLES, Entry, FormatError, read_feed, row

from .judging import Made
from .settings import FeedSettings

MAX_ENTRIES = 5_000_000
MAX_REFUSED = 1_000_000


def convert(feed: FeedSettings, content: Path, into: BinaryIO) -> Made:
    """Write the entries of `content` as a list, each once; raise `FormatError` where it is something else.

    The first of those that say the same stays.
    """
    into.write((",".join(COLUMNS) + "\n").encode())
    seen: set[int] = set()
    repeated = refused = 0
    samples: list[str] = []
    columns = feed.columns.columns() if feed.columns else None
    with content.open("rb") as file:
        for item in read_feed(feed.format, file, columns):
            if isinstance(item, Entry):
                # 64 bits of it: of 5 million entries, one in a million times one is taken for another
                key = hash((item.type, item.value, item.expires))
                if key in seen:
                    repeated += 1
                    continue
                seen.add(key)
                if len(seen) > MAX_ENTRIES:
                    raise FormatError(f"more than {MAX_ENTRIES} entries")
                into.write(row(item, feed.ceiling, feed.severity).encode())
            else:
                refused += 1
                if refused > MAX_REFUSED:
                    raise FormatError(f"more than {MAX_REFUSED} lines refused; the first: {samples[0]}")
                if len(samples) < MAX_SAMPLES:
                    samples.append(str(item))
    return Made(len(seen), repeated, refused, tuple(samples))
