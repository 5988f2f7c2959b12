"""Answering Prometheus, where the settings say so; what that takes is loaded only then: it is 5 MB."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from vedette_transport.settings import Address

from ..core import Analyzer
from ..in_force import InForce
from ..keeping import Keeper
from ..unusable import Unusable
from .meters import Meters

if TYPE_CHECKING:
    pass


def show(
    address: str,
    archive: Path,
    meters: Meters,
    analyzer: Analyzer,
    keeper: Keeper,
    unusable: Unusable,
    in_force: InForce,
) -> None:
    """Answer at `address` from now on."""
    from .collecting import AnalyzerCollector, Standing, registry  # noqa: PLC0415
    from .serving import MetricsServer  # noqa: PLC0415

    def standing() -> Standing:
        return Standing(keeper.waiting_seconds, unusable.dropped, in_force.entries)

    analyzer.inspector.clock = time.perf_counter
    collector = AnalyzerCollector(meters, analyzer.inspector, archive, standing)
    MetricsServer(Address.parse(address), registry(collector))
