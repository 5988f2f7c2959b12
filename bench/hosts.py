"""How many hosts a server takes: connecting, memory and processor time, and commands under that load."""

import argparse
import json
import subprocess
import sys
import time
from itertools import chain
from typing import Any

import psutil
from rich.progress import track
from vedette_schemas import Principal, Program

from bench.hosts_probe import NAME, Probe
from bench.hosts_site import Site, site
from bench.ingest import Watched
from bench.result import percentile, publish

STEPS = {"embedded": (300, 1_000), "mosquitto": (300, 1_000, 5_000)}
FIRST_AIMS = {"embedded": 100, "mosquitto": 1_000}
AIM_MS = 100.0
COMMANDS, PAUSE = 100, 0.3
SETTLE = 20.0


class Load:
    """The hosts, in a process of their own."""

    def __init__(self, at: Site) -> None:
        """Begin with none."""
        command = [sys.executable, "-m", "bench.hosts_load", str(at.port), str(at.folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def grow(self, count: int) -> dict[str, Any]:
        """Have that many hosts connected; return what is seen of them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        """End them."""
        self._process.kill()
        self._process.wait()


class Meter:
    """What broker and analyzer use."""

    def __init__(self, at: Site) -> None:
        """Look at those of a site."""
        self._processes = {"broker": at.broker, "analyzer": at.analyzer}
        self._began = {name: self._seconds(each) for name, each in self._processes.items()}
        self._at = time.monotonic()

    @staticmethod
    def _seconds(program: Watched) -> float:
        used = psutil.Process(program.pid).cpu_times()
        return float(used.user + used.system)

    def percent(self, name: str) -> float:
        """Return the processor time since the beginning, in percent of a core."""
        used = self._seconds(self._processes[name]) - self._began[name]
        return round(100 * used / (time.monotonic() - self._at), 1)

    def megabytes(self, name: str) -> float:
        """Return its memory."""
        return float(psutil.Process(self._processes[name].pid).memory_info().rss) / 1e6


def timed(probe: Probe, title: str) -> list[float]:
    """Return how many milliseconds commands take."""
    took: list[float] = []
    for _ in track(range(COMMANDS), description=title):
        seconds = probe.command()
        took.append(30_000.0 if seconds is None else seconds * 1_000)
        time.sleep(PAUSE)
    return took


def in_short(took: list[float]) -> dict[str, object]:
    """Return what most of them took, in milliseconds."""
    return {"p50": round(percentile(took, 50), 1), "p95": round(percentile(took, 95), 1)}


def step(at: Site, load: Load, probe: Probe, count: int, kind: str, empty: float) -> dict[str, object]:
    """Measure with that many hosts.

    `p50` and `p95` are a command's milliseconds, `join` and `j p95` a connection's; `KB` is the broker's
    memory a host, `MB` the analyzer's; `lost` counts connections, `late` observations
    that were not archived in time.
    """
    joined = load.grow(count)
    time.sleep(SETTLE)  # those that have come send their first heartbeats at once
    meter = Meter(at)
    took = timed(probe, f"{kind}, {count} hosts")
    seen = load.grow(count)
    connect = [seconds * 1_000 for seconds in joined["connect_seconds"]]
    return {
        **in_short(took),
        "join": round(percentile(connect, 50), 1),
        "j p95": round(percentile(connect, 95), 1),
        "brk %": meter.percent("broker"),
        "KB": round((meter.megabytes("broker") - empty) * 1_000 / count),
        "ana %": meter.percent("analyzer"),
        "MB": round(meter.megabytes("analyzer"), 1),
        "lost": seen["lost"],
        "late": seen["unarchived"],
    }


def measure(kind: str, counts: tuple[int, ...]) -> dict[str, dict[str, object]]:
    """Measure with more and more hosts, until commands take too long."""
    names = chain([NAME], (f"load-{number}" for number in range(max(counts))))
    programs = (Program.SENSOR, Program.ENFORCER)
    principals = [(Principal(program, name), f"{name}-{program}") for name in names for program in programs]
    found: dict[str, dict[str, object]] = {}
    with site(kind, principals) as at:
        probe, load = Probe(at.folder, at.port), Load(at)
        try:
            empty = Meter(at).megabytes("broker")
            alone = timed(probe, f"{kind}, no hosts")
            found[f"{kind} 0"] = in_short(alone)
            for count in counts:
                row = found[f"{kind} {count}"] = step(at, load, probe, count, kind, empty)
                if float(str(row["p95"])) > AIM_MS:
                    break
        finally:
            load.close()
            probe.close()
    return found


def flooded() -> dict[str, dict[str, object]]:
    """Measure on the embedded broker, with the limits it ships with, while one address keeps connecting."""
    programs = (Program.SENSOR, Program.ENFORCER)
    principals = [(Principal(program, NAME), f"{NAME}-{program}") for program in programs]
    with site("embedded", principals, limits={}) as at:
        probe = Probe(at.folder, at.port)
        command = [sys.executable, "-m", "bench.hosts_flood", str(at.port)]
        flood = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert flood.stdout is not None
            flood.stdout.readline()
            meter = Meter(at)
            took = timed(probe, "embedded, while one address connects")
            row = {**in_short(took), "brk %": meter.percent("broker"), "ana %": meter.percent("analyzer")}
        finally:
            flood.kill()
            rate = flood.communicate()[0].split()[-1]
            probe.close()
    return {f"flood, {rate}/s": row}


def largest(rows: dict[str, dict[str, object]]) -> int:
    """Return with how many hosts commands were still in time."""
    good = [name for name, row in rows.items() if float(str(row["p95"])) <= AIM_MS and not row.get("lost")]
    return max((int(name.rpartition(" ")[2]) for name in good), default=0)


def main() -> None:
    """Measure both brokers, and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=STEPS, help="only this one")
    parser.add_argument("--hosts", type=int, nargs="+", help="in place of the usual steps")
    options, _ = parser.parse_known_args()
    rows = {
        kind: measure(kind, tuple(options.hosts or steps))
        for kind, steps in STEPS.items()
        if options.broker in (None, kind)
    }
    most = {kind: largest(found) for kind, found in rows.items()}
    if "embedded" in rows:
        rows["flood"] = flooded()
    first = next(iter(most))
    publish(
        "hosts",
        unit="hosts",
        ours=most[first],
        floor=0,
        aim=", ".join(f"{kind} ≥ {aim}" for kind, aim in FIRST_AIMS.items()) + f" with p95 ≤ {AIM_MS:.0f} ms",
        met=all(count >= FIRST_AIMS[kind] for kind, count in most.items()),
        details={name: row for found in rows.values() for name, row in found.items()},
    )
    sys.stdout.write(f"the most hosts with commands in time: {most}\n")


if __name__ == "__main__":
    main()
