"""`python -m vedette_analyzer.feeds`: keeps feeds; tells what operators should know, a JSON line each."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import SettingsError, Severity, VedetteError, encode
from vedette_transport import CANNOT_GO_ON, load_settings

from ..background import give_way
from ..edited import stamp
from .feed import Feed
from .folder import FeedFiles, lock, tidy
from .rounds import Rounds
from .settings import FeedsSettings
from .trouble import FeedTrouble

LOOK_SECONDS = 0.5


def feeds(settings: Path, folder: Path, tell: Callable[[FeedTrouble], None]) -> dict[str, Feed]:
    """Take up all feeds; raise `SettingsError` where settings or folder can't be used."""
    now = datetime.now(UTC)
    wanted = load_settings(FeedsSettings, settings).feed
    found: dict[str, Feed] = {}
    try:
        lock(folder)
        tidy(folder, wanted)
        for name, each in wanted.items():
            found[name] = feed = Feed(name, each, FeedFiles(folder, name), settings.parent)
            for trouble in feed.begin(now):
                tell(trouble)
    except OSError as error:
        where = error.filename or folder
        raise SettingsError(f"{where}: feeds can't be kept there: {error.strerror}") from None
    return found


class Edited:
    """Tells when the settings were edited."""

    def __init__(self, path: Path) -> None:
        """Begin with what they are now."""
        self._path = path
        self._stamp = stamp(path)

    def for_good(self, tell: Callable[[FeedTrouble], None]) -> bool:
        """Tell whether they were edited and can be used; where they can't be, that is said, once an edit."""
        seen = stamp(self._path)
        if seen == self._stamp:
            return False
        self._stamp = seen
        try:
            load_settings(FeedsSettings, self._path)
        except SettingsError as error:
            summary = f"feeds go on as they are: {error}"[:1_000]
            tell(FeedTrouble(key=f"settings|{seen}", severity=Severity.MEDIUM, summary=summary))
            return False
        return True


def _tell(trouble: FeedTrouble) -> None:
    sys.stdout.buffer.write(encode(trouble) + b"\n")
    sys.stdout.buffer.flush()


def _tell_people(trouble: FeedTrouble) -> None:
    sys.stdout.write(f"{trouble.summary}\n")


def _program(settings: Path, folder: Path, parent: int | None, *, once: bool) -> int:
    give_way(parent)
    edited = Edited(settings)
    tell = _tell_people if once else _tell
    kept = feeds(settings, folder, tell)
    rounds = Rounds(kept, tell)
    if once:
        rounds.once()
        return int(any(feed.is_away or feed.record.held for feed in kept.values()))
    while not edited.for_good(tell):
        rounds.tick()
        time.sleep(LOOK_SECONDS)
    os._exit(0)  # as for the parent; who started us does so again, with what the settings say now


def main() -> None:
    """Keep feeds until told to end; leave with 2 and one line on an error."""
    parser = argparse.ArgumentParser(
        prog="vedette-feeds", description="Fetches feeds and makes lists of them."
    )
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="the feeds, in TOML")
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="where they are kept")
    parser.add_argument(
        "--once", action="store_true", help="ask each source once and end; 1: not all is well"
    )
    parser.add_argument(
        "--parent", type=int, metavar="PID", help="end with this process, which starts this one"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="vedette-feeds: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it names whole URLs
    try:
        sys.exit(_program(options.settings, options.folder, options.parent, once=options.once))
    except VedetteError as error:
        sys.stderr.write(f"vedette-feeds: {error}\n")
        sys.exit(CANNOT_GO_ON)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
