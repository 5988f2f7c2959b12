from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from vedette_analyzer.detectors import Detector, all_detectors
from vedette_analyzer.finding import Finding
from vedette_analyzer.remembering import remembered
from vedette_archive import Batch, Reader, Run, Writer
from vedette_schemas import Observation, Stream, WindowFocused, encode

from tests import messages
from tests.analyzer.lists import lists
from tests.messages import NOON, SPOOL


class Remembering(Detector[WindowFocused]):
    name: ClassVar[str] = "remembering"
    watches: ClassVar[tuple[type[Observation], ...]] = (WindowFocused,)
    memory: ClassVar[timedelta] = timedelta(hours=1)

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        yield from ()


def archived(path: Path, *minutes_ago: float) -> None:
    with Writer(path) as writer:
        for number, minutes in enumerate(minutes_ago, 1):
            for kind, seen in (
                ("window", messages.window(title=f"{minutes} ago")),
                ("clipboard", messages.clipboard()),
            ):
                stream = Stream("sensor@host-7", SPOOL, kind)
                items = f"[{encode(seen).decode()}]"
                received_at = NOON - timedelta(minutes=minutes)
                writer.store(Batch(runs=(Run(stream, number, 1, received_at, items),)))


def titles(path: Path, *detectors: Detector[Any]) -> list[str]:
    with Reader(path) as reader:
        found = list(remembered(reader, detectors, NOON))
    assert all(isinstance(seen, WindowFocused) for seen in found)
    return [seen.title for seen in found if isinstance(seen, WindowFocused)]


def test_a_detector_is_shown_what_came_within_its_memory_and_of_what_it_watches(tmp_path: Path) -> None:
    archived(tmp_path / "archive.db", 90, 61, 59, 5)
    assert titles(tmp_path / "archive.db", Remembering()) == ["59 ago", "5 ago"]


def test_without_a_memory_nothing_is_read(tmp_path: Path) -> None:
    archived(tmp_path / "archive.db", 5)
    assert titles(tmp_path / "archive.db", *all_detectors(lists("phrase,robux,alert,low,,,,"))) == []


def test_what_an_older_vedette_archived_and_this_one_can_not_read_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    archived(path, 5)
    with Writer(path) as writer:
        old = Run(Stream("sensor@host-8", SPOOL, "window"), 1, 1, NOON, '[{"kind":"window","old":1}]')
        writer.store(Batch(runs=(old,)))
    assert titles(path, Remembering()) == ["5 ago"]
