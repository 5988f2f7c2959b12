"""The dashboard asks for what there is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from vedette_analyzer.inspecting import Inspector
from vedette_analyzer.metrics.collecting import AnalyzerCollector, Standing, registry
from vedette_analyzer.metrics.meters import Meters
from vedette_analyzer.notifying.figures import Figures
from vedette_archive import Fate, Told, Writer
from vedette_schemas import Life, Ranges, Stream

from tests.messages import NOON, SPOOL

DASHBOARD = Path(__file__).parents[3] / "deploy" / "grafana" / "vedette.json"
_ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Each metric and its labels, of an analyzer that has something of everything to tell."""
    archive = tmp_path_factory.mktemp("metrics") / "archive.db"
    with Writer(archive) as writer, writer.transaction() as books:
        books.heard("sensor@host-7", Life.RUNNING, NOON, Told("0.1.0", {"window": "on"}, held=1))
        books.declare(Stream("sensor@host-7", SPOOL, "window"), Fate.DROPPED, Ranges.span(1, 2))
    meters, inspector = Meters(), Inspector()
    for counted in (meters.observations, meters.commands, meters.endings, inspector.faults):
        counted["x"] += 1
    for told in (meters.alerts, meters.hidden):
        told["high", "x"] += 1
    inspector.seconds["x"], inspector.measured["x"] = 1.0, 1
    collector = AnalyzerCollector(meters, inspector, archive, lambda: Standing(0.0, 0, 0))
    found: dict[str, set[str]] = {}
    for each in (registry(collector), Figures(["officer"]).registry):
        for family in text_string_to_metric_families(generate_latest(each).decode()):
            assert family.samples, family.name
            name, known = family.name.removesuffix("_total"), set(family.samples[0].labels)
            found |= dict.fromkeys((name + ending for ending in _ENDINGS[family.type]), known)
    return found


@pytest.fixture(scope="module")
def there_are(labels: dict[str, set[str]]) -> set[str]:
    return set(labels)


def test_every_metric_that_it_names_is_there(there_are: set[str]) -> None:
    asked = {
        name
        for panel in panels()
        for target in panel["targets"]
        for name in re.findall(r"\bvedette_\w+", target["expr"])
    }
    assert asked <= there_are
    assert len(asked) > 15


def test_what_is_there_is_shown(there_are: set[str]) -> None:
    text = DASHBOARD.read_text()
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in there_are}
    hidden = {name for name in families if name not in text}
    assert hidden <= {"vedette_notify_alerts"}


def test_every_label_that_it_names_is_there(labels: dict[str, set[str]]) -> None:
    for panel in panels():
        for target in panel["targets"]:
            names = set(re.findall(r"\bvedette_\w+", target["expr"]))
            asked = {
                label.strip()
                for found in re.findall(r"by \(([^)]*)\)", target["expr"])
                for label in found.split(",")
            }
            asked |= set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            for name in names:
                assert asked <= labels[name] | {"le"}, (panel["title"], name)


def test_no_panel_covers_another_and_each_says_what_it_shows() -> None:
    taken = set[tuple[int, int]]()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (place["x"] + column, place["y"] + row)
            for column in range(place["w"])
            for row in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        assert panel["description"]
        taken |= cells
