"""Entries for the indicator benchmark: from ../shared/data/lists where that is, topped up by made ones."""

import io
import lzma
import random
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from vedette_indicators import COLUMNS

LISTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "lists"
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+")
_ENDPOINT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}:[0-9]{1,5}")
_PAGE = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+/[!-~]+")
_TAILS = tuple(f"alert,medium,,feed,T1204,C2 of family {number}" for number in range(500))


def entries(size: int) -> tuple[list[tuple[str, str]], int]:
    """Return so many (type, value), each once, and how many of them are from real lists."""
    found = dict.fromkeys(_real())
    real = min(len(found), size)
    chance = random.Random(size)
    while len(found) < size:
        found[_made(chance)] = None
    return list(found)[:size], real


def as_csv(rows: list[tuple[str, str]]) -> bytes:
    """Return them as a list, with remarks as feeds have them."""
    lines = (f"{kind},{value},{_TAILS[number % 500]}" for number, (kind, value) in enumerate(rows))
    return "\n".join((",".join(COLUMNS), *lines, "")).encode()


def _real() -> Iterator[tuple[str, str]]:
    for name in ("blackbook.csv.xz", "vn-badsite-hosts.txt.xz", "urlhaus-filter-2022.txt.xz"):
        if (LISTS / name).exists():
            yield from _kinds(lzma.decompress((LISTS / name).read_bytes()).decode())
    trails = LISTS / "maltrail-malware-families.tar.xz"
    if trails.exists():
        with tarfile.open(trails) as archive:
            for member in archive:
                if (file := archive.extractfile(member)) is not None:
                    yield from _kinds(io.TextIOWrapper(file, "utf-8").read())


def _kinds(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if not line.strip() or line[0] in "#!":
            continue
        word = (
            line.partition(",")[0]
            .partition(" #")[0]
            .split()[-1]
            .removeprefix("||")
            .partition("^")[0]
            .removesuffix("$all")
        )
        if _HOST.fullmatch(word):
            yield "host", word
        elif _ENDPOINT.fullmatch(word):
            yield "ip:port", word
        elif _PAGE.fullmatch(word) and "," not in word and '"' not in word:
            yield "url", word


def _made(chance: random.Random) -> tuple[str, str]:
    host = f"{chance.randbytes(chance.randrange(3, 9)).hex()}.{chance.choice(('com', 'net', 'ru', 'test'))}"
    match chance.randrange(20):
        case 0:
            return "phrase", " ".join(chance.randbytes(2).hex() for _ in range(3))
        case 1 | 2 | 3:
            return "url", f"http://{host}/{chance.randbytes(3).hex()}/{chance.randbytes(2).hex()}.php"
        case 4 | 5:
            octets = ".".join(str(chance.randrange(1, 224)) for _ in range(4))
            return "ip:port", f"{octets}:{chance.randrange(1, 65_536)}"
        case 6:
            return "hash", chance.randbytes(32).hex()
        case _:
            return "host", host
