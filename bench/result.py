"""What a benchmark found: printed as a table, kept as JSON."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99, to two digits after the point."""
    return {f"p{percent}": round(percentile(values, percent), 2) for percent in (50, 95, 99)}


def publish(
    name: str,
    *,
    unit: str,
    ours: float,
    floor: float,
    aim: str,
    met: bool,
    details: Mapping[str, Mapping[str, object]],
) -> None:
    """Print a table of `details` (a row each) and write `results/NAME.json`."""
    table = Table(title=f"{name} ({unit})", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    columns = list(dict.fromkeys(column for row in details.values() for column in row))
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for title, row in details.items():
        table.add_row(title, *(str(row.get(column, "")) for column in columns))
    screen = Console(file=sys.stdout)
    screen.print(table)
    ratio = round(ours / floor, 2) if floor else None
    screen.print(
        f"ours {ours} {unit}, floor {floor} {unit}, ratio {ratio}; aim: {aim}; {'met' if met else 'MISSED'}"
    )
    RESULTS.mkdir(exist_ok=True)
    found = {"name": name, "unit": unit, "ours": ours, "floor": floor, "ratio": ratio, "aim": aim, "met": met}
    (RESULTS / f"{name}.json").write_text(json.dumps(found | {"details": details}, indent=1) + "\n")
