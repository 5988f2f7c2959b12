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

from .compiled import FILTER_SHIFT, FIXED, FORMAT, LOWER, MAGIC, MARK, Facts, facts_json
from .gathering import Gathered, Identity
from .lists import ListProblem, check_size

_FILTER_BYTES = 4
"""For each key, so that of a hundred look-ups for nothing two or three get past the filter."""

_LARGE = 1 << 23
_NICE = 5
"""Who judges goes first: of a core that both want, this gets a quarter."""

_SLOTS, _FULL = 3, 2
"""Of three slots one stays empty."""


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
    slots, sieve = _table(gathered), _filter(gathered.nodes.hashes)
    check_size(gathered.nodes.entries, previous, name)
    facts = Facts(
        name=name,
        seed=gathered.seed,
        entries=gathered.nodes.entries,
        slots=len(slots),
        pieces=len(gathered.pieces),
        filter=len(sieve),
        types=frozenset(gathered.nodes.types),
        widths=frozenset(gathered.nodes.widths),
        bad=tuple((bad.line, bad.reason) for bad in gathered.nodes.bad.told()),
    )
    said = facts_json(facts)
    file.write(b"\0" * FIXED.size)
    digest, size = xxhash.xxh3_128(), FIXED.size
    for part in (said, sieve, slots, gathered.pieces, gathered.text):
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


def _table(gathered: Gathered) -> "array[int]":
    """Return the slots: the rows of one key follow one another from where its digest says."""
    nodes, lower, upper, mark = gathered.nodes, LOWER, LOWER << 32, MARK
    count = len(nodes.places) * _SLOTS // _FULL + 2
    slots = array("Q", bytes(8 * count))
    said: dict[int, dict[Identity, int]] = {}
    ends: dict[int, int] = {}
    last = left_out = 0
    for hashed, place in zip(nodes.hashes, nodes.places, strict=True):
        if place == left_out:
            continue
        at = (hashed & lower) * count >> 32
        if slots[at]:
            at, met = ends.get(hashed, at), 0
            while slot := slots[at]:
                if not (slot ^ hashed) & upper and not slot & mark:
                    met = slot & lower
                at = at + 1 if at + 1 < count else 0
            if met and place != last and not place & mark:
                known = said.setdefault(hashed, {})
                if (not known and gathered.is_left_out(met, known)) or gathered.is_left_out(place, known):
                    left_out = place
                    continue
                ends[hashed] = at
        slots[at] = hashed & upper | place
        last = place
    return slots


def _can_be_helped(size: int) -> bool:
    return size > _LARGE and hasattr(os, "fork") and (os.cpu_count() or 1) > 1


def main(arguments: list[str]) -> int:
    """Compile the list on stdin; leave with 2 and one line on stderr where it can't be used."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
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
