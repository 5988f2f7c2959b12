"""How fast the archive is searched for what is listed later, and whether judging beside it is held up."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import track
from vedette_analyzer.detectors import all_detectors
from vedette_analyzer.detectors.lists import Lists
from vedette_analyzer.hunting.__main__ import hunt
from vedette_analyzer.hunting.child import Hunter
from vedette_analyzer.hunting.generations import Generations
from vedette_analyzer.hunting.said import Hit, Progress
from vedette_analyzer.watch import ListFiles
from vedette_archive import Batch, Run, Writer
from vedette_archive.walking import Walk
from vedette_indicators.observed import KINDS
from vedette_schemas import Stream, encode
from vedette_transport import Inbox

from bench.indicator_entries import as_csv, entries
from bench.ingest_load import observation
from bench.result import percentile, publish

COUNT = 100_000
HOSTS = 10
RUN = 500
FEW, MANY = 10, 1_000_000
AIM, MOST_SLOWER = 15_000, 1.1
ROUNDS, ROUND_SECONDS = 5, 1.5
_OBSERVATIONS = [observation(number) for number in range(1_000)]


def fill(archive: Path) -> None:
    """Archive `COUNT` observations of some hosts."""
    items: dict[str, list[str]] = {}
    for each in (observation(number) for number in range(COUNT // HOSTS)):
        items.setdefault(each.kind, []).append(encode(each).decode())
    with Writer(archive) as writer:
        for host in track(range(HOSTS), description="archiving"):
            runs = (
                Run(stream, first + 1, len(some), datetime.now(UTC), f"[{','.join(some)}]")
                for kind, bodies in items.items()
                for stream in [Stream(f"sensor@host-{host}", "0" * 16, kind)]
                for first in range(0, len(bodies), RUN)
                for some in [bodies[first : first + RUN]]
            )
            writer.store(Batch(runs=tuple(runs)))


def floor(archive: Path) -> float:
    """Return how many observations a second of CPU are read and parsed, and nothing else."""
    began = time.process_time()
    with Walk(archive, KINDS) as walk:
        count = sum(row.observation() is not None for page in walk.pages() for row in page.rows)
    return count / (time.process_time() - began)


class Judging:
    """Judges without a break, and notes how long each judgement took."""

    def __init__(self, files: ListFiles) -> None:
        """Judge by these lists."""
        detectors = all_detectors(Lists(files.first().table))
        self._of = {
            kind: [each for each in detectors if kind in each.watches] for kind in map(type, _OBSERVATIONS)
        }

    def watch(self) -> dict[str, object]:
        """Return how many are judged a second of our CPU, and the pauses in ms, of the best of some rounds.

        What is slower there is others'.
        """
        rates, long, longest = zip(*(self._round() for _ in range(ROUNDS)), strict=True)
        return {
            "judged/s of CPU": round(max(rates)),
            "p99.9 ms": round(min(long) * 1e3, 2),
            "longest ms": round(min(longest) * 1e3, 1),
        }

    def _round(self) -> tuple[float, float, float]:
        took: list[float] = []
        began, last = time.thread_time(), time.perf_counter()
        until = last + ROUND_SECONDS
        while last < until:
            for seen in _OBSERVATIONS:
                for detector in self._of[type(seen)]:
                    for _ in detector.inspect(seen):
                        pass
                now = time.perf_counter()
                took.append(now - last)
                last = now
        return len(took) / (time.thread_time() - began), percentile(took, 99.9), max(took)


def searched(archive: Path, generations: Generations, wanted: int) -> dict[str, object]:
    """Hunt in this process; return what it takes of its CPU, until it searches and for each observation."""
    began, first = time.process_time(), list[float]()

    def tell(said: Hit | Progress) -> None:
        if isinstance(said, Progress):
            first.append(time.process_time())

    known = generations.begin(wanted)
    assert known is not None
    ended = hunt(archive, generations.folder, known, wanted, tell)
    took = time.process_time() - first[0]
    return {
        "CPU s before it searches": round(first[0] - began, 1),
        "observations/s of CPU": round(ended.observations / took),
    }


def measure(folder: Path) -> tuple[float, float, dict[str, dict[str, object]]]:
    """Return the slowest search, the floor beside it (observations a second of CPU), and all figures."""
    archive, path = folder / "archive.db", folder / "list.csv"
    fill(archive)
    found, _ = entries(MANY + FEW)
    path.write_bytes(as_csv(found[:1]))
    files = ListFiles([path], folder / "compiled")
    generations = Generations(folder / "hunting")
    generations.write(files.first().sources)
    base = floor(archive)
    details: dict[str, dict[str, object]] = {"reading alone": {"observations/s of CPU": round(base)}}
    wanted = 0
    for count in (FEW, MANY):
        path.write_bytes(as_csv(found[: count + 1]))
        reading = files.changed()
        assert reading is not None
        wanted = generations.write(reading.sources) or 0
        details[f"{count:,} new entries"] = searched(archive, generations, wanted)
    slowest = min(float(str(row["observations/s of CPU"])) for row in details.values())
    judging = Judging(ListFiles([path], folder / "others"))
    details["judging alone"] = judging.watch()
    hunter = Hunter(archive, generations, Inbox())
    hunter.start(threading.Event())
    hunter.hunt(wanted)
    details["judging beside a hunt"] = judging.watch()
    return slowest, base, details


def main() -> None:
    """Measure, and publish."""
    with TemporaryDirectory() as folder:
        slowest, base, details = measure(Path(folder))
    alone, beside = (
        float(str(details[f"judging {how}"]["judged/s of CPU"])) for how in ("alone", "beside a hunt")
    )
    publish(
        "hunting",
        unit="observations/s of CPU",
        ours=round(slowest),
        floor=round(base),
        aim=f"{AIM:,} a second; judging beside it no more than a tenth slower",
        met=slowest >= AIM and alone <= beside * MOST_SLOWER,
        details=details,
    )


if __name__ == "__main__":
    main()
