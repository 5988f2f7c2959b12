"""What a search finds as a workbook of Excel."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from vedette_archive import Events, History, Page, Query
from vedette_schemas import SettingsError

from ..exporting import OF_ALERTS, OF_OBSERVATIONS, write_xlsx

MOST_ROWS = 100_000
"""Rows of a workbook that somebody waits for: about 15 s; CSV has no limit."""


def write_workbook(archive: Path, query: Query, file: Path) -> None:
    """Write all that fits as of one moment, in little memory.

    Raise `ArchiveError`, or `SettingsError` where that is more than a workbook holds.
    """
    columns = OF_ALERTS if query.events is Events.ALERTS else OF_OBSERVATIONS
    with History(archive) as history, closing(history.pages(query)) as pages, file.open("wb") as workbook:
        write_xlsx(_at_most(pages), columns, workbook)


def _at_most(pages: Iterable[Page]) -> Iterator[Page]:
    rows = 0
    for page in pages:
        rows += len(page.alerts) + len(page.observations)
        if rows > MOST_ROWS:
            raise SettingsError(
                f"A workbook holds {MOST_ROWS:,} rows here, and more fit: ask for less, or for CSV."
            )
        yield page
