"""Taking up what an analyzer before this one left: the archive, orders, who was heard, what killed it."""

from datetime import timedelta
from pathlib import Path

from vedette_archive import Reader, Writer
from vedette_schemas import Principal

from .clock import Clock
from .core import Analyzer
from .detectors import all_detectors
from .in_force import InForce
from .presence import Presence
from .remembering import remembered
from .settings import AnalyzerSettings
from .suspects import JudgingMark


def opened(archive: Path) -> tuple[Writer, JudgingMark]:
    """Open the archive, and write down what was being judged when the last analyzer died."""
    writer, mark = Writer(archive), JudgingMark.beside(archive)
    if (deadly := mark.left_behind()) is not None:
        with writer.transaction() as books:
            books.died(deadly)
        mark.clear()
    return writer, mark


def taken_up(
    settings: AnalyzerSettings, in_force: InForce, reader: Reader, presence: Presence, clock: Clock
) -> Analyzer:
    """Return an analyzer that goes on where the last one ended; `presence` expects whom that one heard."""
    detectors = all_detectors(in_force.lists)
    analyzer = Analyzer(
        detectors,
        settings.mode_of,
        reader.command,
        block_for=timedelta(hours=settings.block_hours),
        approve_within=timedelta(minutes=settings.approve_minutes),
        guarded=in_force.guarded,
        incident=reader.incidents.get,
    )
    suppressed = reader.suppressed.not_ended()
    analyzer.restore(reader.open_commands(), reader.lasting_commands(clock.now), suppressed)
    for observation in remembered(reader, detectors, clock.now):
        analyzer.remember(observation)
    for sender in reader.senders():
        principal = Principal.parse(sender.principal)
        analyzer.expect(principal)
        presence.restore(principal, sender.life, clock.seconds)
    return analyzer
