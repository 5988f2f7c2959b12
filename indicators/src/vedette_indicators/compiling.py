"""Compiles a list into a file that any number of processes can map and share.

`python -m vedette_indicators.compiling NAME TARGET PREVIOUS <LIST` does it in a process of its own: reading a
million rows takes seconds, and who judges by them should not have to wait.
"""

import os
import secrets
import sys
from array import array
from pathlib import Path
from typing import BinaryIO

import xxhash

from .compiled import FILTER_SHIFT, FIXED, FORMAT, MAGIC, NODE, Facts, facts_json
from .gathering import Gathered
from .lists import ListProblem, check_size

_UPPER = ~NODE & (1 << 64) - 1
_FILTER_BYTES = 4
"""For each key, so that of a hundred look-ups for nothing two or three get past the filter."""

_LARGE = 1 << 23
_FREE = 3
"""Of a table's slots, at least a third stays empty: of two look-ups for nothing, one ends at once."""


def compile_list(
    data: bytes,
    file: BinaryIO,
    *,
    name: str,
    previous: int = 0,
    seed: int | None = None,
    helped: bool = False,
) -> None:
    """Compile a list, `helped` by a second process; raise `ListProblem` before anything is written."""
    gathered = Gathered(data, name=name, seed=secrets.randbits(64) if seed is None else seed, helped=helped)
    slots, following = _table(gathered)
    sieve = _filter(gathered.nodes.hashes)
    check_size(gathered.nodes.entries, previous, name)
    facts = Facts(
        name=name,
        seed=gathered.seed,
        entries=gathered.nodes.entries,
        nodes=len(gathered.nodes.places),
        slots=len(slots),
        filter=len(sieve),
        types=frozenset(gathered.nodes.types),
        widths=frozenset(gathered.nodes.widths),
        bad=tuple((bad.line, bad.reason) for bad in gathered.nodes.bad.told()),
    )
    said = facts_json(facts)
    file.write(b"\0" * FIXED.size)
    digest, size = xxhash.xxh3_128(), FIXED.size
    for part in (said, sieve, slots, gathered.nodes.places, following, gathered.nodes.lines, gathered.text):
        octets = memoryview(part).cast("B")
        digest.update(octets)
        size += file.write(octets)
    file.seek(0)
    file.write(FIXED.pack(MAGIC, FORMAT, len(said), size, digest.digest()))


def _filter(hashes: "array[int]") -> bytearray:
    size = 8
    while size < len(hashes) * _FILTER_BYTES:
        size *= 2
    sieve, mask = bytearray(size), size - 1
    bits = [1 << number for number in range(8)]
    for hashed in hashes:
        sieve[hashed & mask] |= bits[hashed >> FILTER_SHIFT]
    return sieve


def _table(gathered: Gathered) -> "tuple[array[int], array[int]]":
    """Return the slots and, for each node, the next one of the same key.

    The lower half of a key's digest says where its slot is, the upper half stands in it with the first node.
    """
    places, hashes = gathered.nodes.places, gathered.nodes.hashes
    capacity = 2
    while capacity * 2 < len(places) * _FREE:
        capacity *= 2
    slots, following = array("Q", bytes(8 * capacity)), array("I", bytes(4 * len(places)))
    said: dict[int, dict[tuple[bytes, bytes, bool], int]] = {}
    last: dict[int, int] = {}
    dropped: set[int] = set()
    mask, upper = capacity - 1, _UPPER
    for node in range(1, len(places)):
        hashed = hashes[node]
        at = hashed & mask
        while (slot := slots[at]) and (slot ^ hashed) & upper:
            at = (at + 1) & mask
        if dropped and places[node] in dropped:
            continue
        if not slot:
            slots[at] = hashed & upper | node
            continue
        first = slot & NODE
        if first not in said:
            said[first] = {}
            gathered.is_repeated(first, said[first])
        if gathered.is_repeated(node, said[first]):
            dropped.add(places[node])
            continue
        following[last.get(first, first)] = node
        last[first] = node
    return slots, following


def _can_be_helped(size: int) -> bool:
    return size > _LARGE and hasattr(os, "fork") and (os.cpu_count() or 1) > 1


def main(arguments: list[str]) -> int:
    """Compile the list on stdin; leave with 2 and one line on stderr where it can't be used."""
    name, target, previous = arguments[0], Path(arguments[1]), int(arguments[2])
    text = sys.stdin.buffer.read().decode("utf-8", "replace").encode()
    try:
        with target.open("wb") as file:
            compile_list(text, file, name=name, previous=previous, helped=_can_be_helped(len(text)))
    except ListProblem as problem:
        sys.stderr.write(f"{problem.in_words}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
