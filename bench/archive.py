"""The archive with ten million events (VEDETTE_EVENTS=1000000: fewer): written, and searched while it is."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import track
from vedette_archive import Batch, By, Events, History, Query, Writer
from vedette_schemas import Severity

from bench.archive_load import A_COMMIT, TOGETHER, batches
from bench.result import percentile, publish

EVENTS = int(os.environ.get("VEDETTE_EVENTS", "10000000"))
ROUNDS = 60
AIM_RATIO = 0.7
HOST = "host-7"

_FLOOR = (
    "CREATE TABLE o (stream TEXT, number INTEGER, kind TEXT, received_at INTEGER, body TEXT, "
    "PRIMARY KEY (stream, number)) WITHOUT ROWID",
    "CREATE INDEX o_by_kind ON o (kind, received_at)",
)
_INSERT = "INSERT INTO o VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"

Row = tuple[str, int, str, int, str]


class Spent:
    """Seconds, on the clock and of the processor."""

    def __init__(self) -> None:
        """Begin with none."""
        self.clock = self.processor = 0.0

    @contextmanager
    def counted(self) -> Generator[None]:
        """Add what the block takes."""
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.clock += time.perf_counter() - clock
        self.processor += time.process_time() - processor

    def row(self, events: int) -> dict[str, object]:
        """Return it as a row of the table."""
        return {"events/s": round(events / self.clock), "µs of CPU": round(self.processor / events * 1e6, 2)}


def bare(path: Path) -> sqlite3.Connection:
    """Return the floor's table: the same key and the same durability."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    for statement in _FLOOR:
        connection.execute(statement)
    return connection


def rows(batch: Batch) -> list[Row]:
    """Return what a bare `executemany` takes."""
    return [
        (
            run.stream.principal + run.stream.kind,
            number,
            run.stream.kind,
            int(run.received_at.timestamp() * 1e6),
            body,
        )
        for run in batch.runs
        for number, body in enumerate(run.items[1:-1].replace("},{", "}\n{").split("\n"), run.first)
    ]


def filled(path: Path, floor: Path) -> dict[str, dict[str, object]]:
    """Fill both in turns, from the same objects; alerts and words are counted apart."""
    ours, words, alerts, theirs = Spent(), Spent(), Spent(), Spent()
    until = datetime.now(UTC)
    with Writer(path) as writer, closing(bare(floor)) as connection:
        for batch in track(batches(EVENTS, until), "filling", total=EVENTS // A_COMMIT, transient=True):
            same = rows(batch)
            with theirs.counted():
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_INSERT, same)
                connection.execute("COMMIT")
            with ours.counted():
                writer.store(Batch(runs=batch.runs))
            with alerts.counted():
                writer.store(Batch(alerts=batch.alerts))
            with words.counted():
                writer.index_words(100)
    return {
        "observations": ours.row(EVENTS),
        "observations, floor": theirs.row(EVENTS),
        "words of observations": words.row(EVENTS),
        "alerts": alerts.row(EVENTS // 100),
    }


@contextmanager
def written_to(path: Path) -> Generator[None]:
    """Have 2,000 observations a second written meanwhile."""
    command = (sys.executable, "-m", "bench.archive_load", str(path), str(EVENTS // 100))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None
        writing.stdout.readline()
        try:
            yield
        finally:
            writing.kill()
            *_, last = writing.stdout.read().split()
            sys.stdout.write(f"written meanwhile: {last} observations a second\n")


def timed(what: Callable[[], object], rounds: int = ROUNDS) -> dict[str, object]:
    """Return how long it takes, in ms."""
    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        what()
        took.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.01)
    return {"p50 ms": round(percentile(took, 50), 2), "p95 ms": round(percentile(took, 95), 2)}


def asked(
    history: History, connection: sqlite3.Connection
) -> Iterable[tuple[str, float | None, dict[str, object]]]:
    """Yield what is asked, how long it may take and how long it takes."""
    now = datetime.now(UTC)
    month, day = now - timedelta(days=30), now - timedelta(days=1)

    def observed(text: str, **fields: object) -> Callable[[], object]:
        query = Query.of({"events": Events.OBSERVATIONS, "text": text, "since": month} | fields)
        return lambda: history.search(query)

    def told(**fields: object) -> Callable[[], object]:
        query = Query.of(dict(fields))
        return lambda: history.search(query)

    def raw(statement: str, *values: object) -> Callable[[], object]:
        return lambda: connection.execute(statement, values).fetchall()

    hour = int(now.timestamp()) // 3600
    newest = "SELECT body FROM alerts WHERE host = ? ORDER BY at DESC LIMIT 100"
    yield "last 100 alerts of a host", 5, timed(told(host=[HOST]))
    yield "… floor: one statement", None, timed(raw(newest, HOST))
    yield "a day's chart by severity", 20, timed(lambda: history.over_time(day, now))
    chart = "SELECT hour, severity, alerts FROM rollups WHERE dimension = 'all' AND hour > ?"
    yield "… floor: one statement", None, timed(raw(chart, hour - 24))
    count = "SELECT at / 3600000000, severity, count(*) FROM alerts WHERE at > ? GROUP BY 1, 2"
    yield "… without roll-ups", None, timed(raw(count, (hour - 24) * 3600 * 10**6), 10)
    yield (
        "a month's chart of a host",
        None,
        timed(lambda: history.over_time(month, now, by=By.HOST, value=HOST)),
    )
    yield "a month's ten top indicators", None, timed(lambda: history.top(By.INDICATOR, month, now))
    yield "a week's heat map", None, timed(lambda: history.heat_map(now - timedelta(days=7), now))
    report = EVENTS // TOGETHER // 20 * 10 + 7  # one of windows
    middle = str(10 * report * TOGETHER + 7)
    yield "a month: one title", 200, timed(observed(f"report {middle}"))
    yield "a month: in no text", 200, timed(observed("nowhere.example"))
    yield "a month: in no text, of common parts", 200, timed(observed("program-host"))
    yield "a month: in every third text", 200, timed(observed("example.org"))
    yield "a month: one title of a host", 200, timed(observed(f"report {middle}", host=[HOST]))
    yield "a month: two letters", 200, timed(observed("xq"), 10)
    bare_match = "SELECT rowid FROM arrival_words WHERE arrival_words MATCH ? ORDER BY rowid DESC LIMIT 100"
    yield "… floor: MATCH alone, one title", None, timed(raw(bare_match, f'"report {middle}"'))
    yield "alerts of a month: a text", 200, timed(told(text="bad-77.example", since=month))
    yield "alerts of a month: in all texts", 200, timed(told(text="example.org", since=month))
    yield (
        "alerts: critical, an indicator",
        None,
        timed(told(severity=[Severity.CRITICAL], indicator=["bad-77.example.org"])),
    )
    yield "last 100 observations of a host", None, timed(observed("", host=[HOST]))
    yield "last 100 outcomes: there are none", None, timed(observed("", kind=["outcome"]))


def main() -> None:
    """Fill it, then ask it while it is written to."""
    with TemporaryDirectory(dir=os.environ.get("VEDETTE_BENCH_FOLDER")) as name:
        path, floor = Path(name) / "archive.db", Path(name) / "floor.db"
        found = filled(path, floor)
        found["size"] = {"MB": path.stat().st_size // 10**6}
        found["size, floor"] = {"MB": floor.stat().st_size // 10**6}
        floor.unlink()
        met = True
        with written_to(path), History(path) as history, closing(sqlite3.connect(path)) as connection:
            for title, aim, took in asked(history, connection):
                if aim is not None:
                    took |= {"aim ms": aim}
                    met &= float(str(took["p95 ms"])) <= aim
                found[title if title not in found else f"{title} "] = took
    ours, theirs = (float(str(found[row]["events/s"])) for row in ("observations", "observations, floor"))
    publish(
        "archive",
        unit=f"observations a second, {EVENTS:,} events",
        ours=ours,
        floor=theirs,
        aim=f">= {AIM_RATIO} x floor, each question within its own",
        met=met and ours >= AIM_RATIO * theirs,
        details=found,
    )


if __name__ == "__main__":
    main()
