"""`python -m bench.indicator_engines ENGINE LIST`: one engine over one list, in a process of its own."""

import csv
import gc
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ahocorasick_rs
import psutil
from vedette_indicators import IndicatorTable, IndicatorType, RefusedError, canonical
from vedette_indicators.compiled import CompiledList
from vedette_indicators.keys import HOST, PAGE, PHRASE

ON = date(2026, 1, 15)
ASKED = 50_000
_WORDS = ("inbox", "report", "how to cook", "budget 2026", "news", "project plan", "holiday", "week 17")
_PROGRAMS = ("Mozilla Firefox", "LibreOffice Writer", "Terminal", "Visual Studio Code", "Thunderbird")
Found = dict[str, float]
_KEYS = {IndicatorType.HOST: HOST, IndicatorType.URL: PAGE, IndicatorType.PHRASE: PHRASE}


def mean(look: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return µs of processor time a text, of the best of three rounds."""
    rounds: list[float] = []
    for _ in range(3):
        began = time.process_time()
        for text in texts:
            look(text)
        rounds.append((time.process_time() - began) / len(texts) * 1e6)
    return round(min(rounds), 2)


def resident() -> float:
    """Return this process's memory in MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


def keys(path: Path) -> list[str]:
    """Return the list's entries under the keys that they are looked up by."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    found: list[str] = []
    for kind, value, *_ in rows:
        with suppress(RefusedError):
            found.append(_KEYS.get(IndicatorType(kind), kind) + canonical(IndicatorType(kind), value))
    return found


def questions(present: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return keys that are there and keys that are not."""
    chance = random.Random(3)
    absent = [f"h{chance.randbytes(4).hex()}.shop.example" for _ in range(ASKED)]
    return chance.choices(present, k=ASKED), absent


def compare(engine: str, path: Path, folder: Path) -> Found:
    """Build one of the others over the entries, and look keys up in it."""
    present = keys(path)
    hits, misses = questions(present)
    gc.collect()
    before, began = resident(), time.process_time()
    look: Callable[[Any], object]
    match engine:
        case "set":
            entries = {f"{key} "[:-1] for key in present}  # the strings are a part of its size
            look = entries.__contains__
        case "sqlite":
            database = sqlite3.connect(folder / "entries.db")
            database.execute("CREATE TABLE entries (key TEXT PRIMARY KEY) WITHOUT ROWID")
            database.executemany("INSERT OR IGNORE INTO entries VALUES (?)", zip(present, strict=True))
            database.commit()

            look = partial(_selected, database.cursor())
        case _:
            automaton: Any = import_module("ahocorasick").Automaton()  # it has no types
            for key in present:
                automaton.add_word(key, 1)
            automaton.make_automaton()
            look = automaton.exists
    built, grown = time.process_time() - began, resident() - before
    if engine == "sqlite":
        grown = (folder / "entries.db").stat().st_size / 1e6
    return {
        "build s": round(built, 2),
        "MB": round(grown, 1),
        "hit µs": mean(look, hits),
        "miss µs": mean(look, misses),
    }


def _selected(cursor: sqlite3.Cursor, key: str) -> object:
    return cursor.execute("SELECT 1 FROM entries WHERE key = ?", (key,)).fetchone()


def ours(path: Path, folder: Path) -> Found:
    """Compile the list in a process of its own, map it, and look things up in it."""
    present = keys(path)
    hits, misses = questions(present)
    target = folder / "it.compiled"
    words = [sys.executable, "-m", "vedette_indicators.compiling", "bench.csv", str(target), "0"]
    began = psutil.Process().cpu_times()
    with path.open("rb") as file:
        subprocess.run(words, stdin=file, check=True)
    ended = psutil.Process().cpu_times()
    built = ended.children_user + ended.children_system - began.children_user - began.children_system
    gc.collect()
    before = resident()
    compiled = CompiledList(target)
    table = IndicatorTable((), [compiled])
    chance = random.Random(4)
    urls = [f"https://www.{chance.randbytes(4).hex()}.shop.example/a/b?c={n}" for n in range(ASKED)]
    titles = [f"{chance.choice(_WORDS)} {n} - {chance.choice(_PROGRAMS)}" for n in range(ASKED)]
    listed = [key[1:] for key in hits if key[0] in HOST + PAGE and "://" not in key][:5_000]
    found = {
        "build s": round(built, 2),
        "miss µs": mean(compiled.get, misses),
        "hit µs": mean(compiled.get, hits[:5_000]),
        "URL µs": mean(lambda text: table.url(text, on=ON), urls),
        "listed URL µs": mean(lambda text: table.url(text, on=ON), listed),
        "title µs": mean(lambda text: table.window(text, "linux", on=ON), titles),
    }
    return found | {"MB": round(resident() - before, 1), "file MB": round(target.stat().st_size / 1e6, 1)}


def phrases(path: Path) -> Found:
    """Find the list's phrases with ahocorasick_rs, which has to be built by whoever looks."""
    patterns = [key[1:] for key in keys(path) if key[0] == PHRASE][:100_000]
    if not patterns:
        return {}
    chance = random.Random(4)
    titles = [f"{chance.choice(_WORDS)} {n} - {chance.choice(_PROGRAMS)}".lower() for n in range(ASKED)]
    gc.collect()
    before, began = resident(), time.process_time()
    automaton = ahocorasick_rs.AhoCorasick(patterns)
    built, grown = time.process_time() - began, resident() - before
    looked = mean(lambda text: automaton.find_matches_as_indexes(text, overlapping=True), titles)
    return {"phrases": len(patterns), "build s": round(built, 2), "MB": round(grown, 1), "title µs": looked}


def main() -> None:
    """Measure, and print what was found as JSON."""
    engine, path = sys.argv[1], Path(sys.argv[2])
    with TemporaryDirectory() as folder:
        match engine:
            case "ours":
                found = ours(path, Path(folder))
            case "phrases":
                found = phrases(path)
            case _:
                found = compare(engine, path, Path(folder))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
