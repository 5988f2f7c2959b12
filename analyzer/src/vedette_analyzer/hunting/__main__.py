"""`python -m vedette_analyzer.hunting`: searches an archive for what lists hold now and did not before."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from vedette_archive import ArchiveError
from vedette_archive.walking import Walk, WalkedPage, WalkedRow
from vedette_indicators import IndicatorTable
from vedette_indicators.compiled import CompiledList
from vedette_indicators.observed import KINDS
from vedette_schemas import VedetteError
from vedette_transport import CANNOT_GO_ON

from ..background import give_way
from ..faults import trace
from .folding import Folds
from .generations import Generations
from .newer import News, opened, table_of
from .said import Ended, Hit, Line, Progress
from .search import Search
from .telling import name_of

log = logging.getLogger(__name__)

MOST_TOLD = 1_000
"""Alerts that one hunt leads to; what hits more than that is no blocklist."""

_PROGRESS_SECONDS = 1.0


class Hunt:
    """One search of the whole archive; what is found is told host by host."""

    def __init__(
        self, walk: Walk, search: Search, entries: int, tell: Callable[[Hit | Progress], None]
    ) -> None:
        """Look for so many entries; `tell` is told what was found, and how far it is."""
        self._walk, self._search, self._entries, self._tell = walk, search, entries, tell
        self._hits = self._told = self._untold = self._observations = 0
        self._next_progress = 0.0

    def run(self) -> Ended:
        """Search; return what came of it."""
        host, folds = "", Folds(MOST_TOLD)
        for page in self._walk.pages():
            if page.host != host:
                self._flush(folds)
                host, folds = page.host, Folds(MOST_TOLD - self._told)
            for row in page.rows:
                self._look(page, row, folds)
            self._observations += len(page.rows)
            self._progress()
        self._flush(folds)
        return Ended(
            entries=self._entries, observations=self._observations, hits=self._hits, untold=self._untold
        )

    def _look(self, page: WalkedPage, row: WalkedRow, folds: Folds) -> None:
        """Look at an observation; what it holds must not keep the others from being looked at."""
        seen = row.observation()
        if seen is None:
            return
        try:
            for finding in self._search.findings(seen):
                if not self._walk.has_finding(page, row.number, finding.key):
                    folds.add(finding, page, row.number, seen)
        except ArchiveError:
            raise
        except Exception as error:  # noqa: BLE001
            # no log.exception: an error's words may repeat what a host sent
            log.error("a %s could not be searched: %s", seen.kind, trace(error))  # noqa: TRY400

    def _flush(self, folds: Folds) -> None:
        """Tell what was found on a host, but what was told by a hunt before this one."""
        for hit in folds:
            self._hits += 1
            self._told += 1
            known = self._walk.alert(name_of(hit))
            before = None if known is None else known.found_later
            if (
                before is None
                or before.count < hit.found.count
                or before.last_seen_at < hit.found.last_seen_at
            ):
                self._tell(hit)
        self._hits += folds.left_out
        self._untold += folds.left_out

    def _progress(self) -> None:
        if time.monotonic() >= self._next_progress:
            self._next_progress = time.monotonic() + _PROGRESS_SECONDS
            share = min(1.0, self._observations / max(1, self._walk.total))
            self._tell(Progress(entries=self._entries, share=share))


def hunt(
    archive: Path, folder: Path, known: int, wanted: int, tell: Callable[[Hit | Progress], None]
) -> Ended:
    """Search `archive` for what the lists `wanted` in `folder` hold and those that are `known` do not."""
    generations = Generations(folder)
    before, now = opened(generations.lists(known)), opened(generations.lists(wanted))
    news = News(before, now)
    new = table_of(news.rows(), folder / f"{wanted}.compiled")
    if not len(new):
        return Ended(entries=0, observations=0, hits=0)
    everything = IndicatorTable(
        (row for each in now for row in each.rows),
        [each.shelf for each in now if isinstance(each.shelf, CompiledList)],
    )
    with Walk(archive, KINDS) as walk:
        return Hunt(walk, Search(new, everything, news.is_new), len(new), tell).run()


def _say(said: Hit | Progress | Ended) -> None:
    sys.stdout.buffer.write(Line(said=said).model_dump_json().encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Search until all is searched; leave with 2 and one line on an error."""
    parser = argparse.ArgumentParser(
        prog="vedette-hunting", description="Searches the archive for what was listed later."
    )
    parser.add_argument("--archive", type=Path, required=True, metavar="FILE", help="the archive")
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="where lists are kept")
    parser.add_argument("--known", type=int, required=True, metavar="N", help="what was hunted for")
    parser.add_argument("--wanted", type=int, required=True, metavar="N", help="what is to be hunted for")
    parser.add_argument(
        "--parent", type=int, metavar="PID", help="end with this process, which starts this one"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="vedette-hunting: %(message)s", stream=sys.stderr)
    give_way(options.parent)
    try:
        _say(hunt(options.archive, options.folder, options.known, options.wanted, _say))
    except (VedetteError, OSError, ValueError) as error:
        sys.stderr.write(f"vedette-hunting: {error}\n")
        sys.exit(CANNOT_GO_ON)


if __name__ == "__main__":
    main()
