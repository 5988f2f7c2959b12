"""`python -m vedette_analyzer.trial SETTINGS`: judges the observation on stdin; dies of it or does not."""

import sys
from pathlib import Path

from pydantic import TypeAdapter
from vedette_schemas import Observation
from vedette_schemas.observations import AnyObservation
from vedette_transport import load_settings

from . import detectors
from .detectors.lists import Lists
from .feeds.child import feed_lists
from .settings import AnalyzerSettings
from .watch import ListFiles

_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(AnyObservation)


def main() -> None:
    """Judge one observation as the analyzer would."""
    path = Path(sys.argv[1])
    settings = load_settings(AnalyzerSettings, path)
    folder = path.parent
    kept = (folder / settings.archive).with_name("feeds")
    feeds = feed_lists(settings.feeds and folder / settings.feeds, kept)
    lists = Lists(ListFiles([folder / name for name in settings.lists], feeds=feeds).first().table)
    observation = _OBSERVATION.validate_json(sys.stdin.buffer.read())
    for detector in detectors.all_detectors(lists):
        if isinstance(observation, detector.watches):
            for _ in detector.inspect(observation):
                pass


if __name__ == "__main__":
    main()
