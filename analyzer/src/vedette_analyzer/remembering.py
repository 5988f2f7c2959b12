"""What detectors with a memory are shown at start: the last window from the archive."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from vedette_archive import Reader
from vedette_schemas import Kind, Observation
from vedette_schemas.observations import AnyObservation

from .detectors import Detector

_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(AnyObservation)


def remembered(reader: Reader, detectors: Sequence[Detector[Any]], now: datetime) -> Iterator[Observation]:
    """Yield the observations that came within the longest memory, oldest first; none without a memory."""
    with_memory = [detector for detector in detectors if detector.memory]
    if not with_memory:
        return
    since = now - max(detector.memory for detector in with_memory)
    kinds = {_kind(watched) for detector in with_memory for watched in detector.watches}
    for found in reader.observations_since(since, kinds):
        try:
            yield _OBSERVATION.validate_json(found.body)
        except ValidationError:  # of an older Vedette, whose observations were different
            continue


def _kind(watched: type[Observation]) -> Kind:
    return Kind(get_args(watched.model_fields["kind"].annotation)[0])
