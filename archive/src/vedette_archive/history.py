"""Search and charts for those who look back: from any process, without ever holding up the writer."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import CompoundSelect, create_engine
from sqlalchemy.pool import StaticPool

from . import charts
from .charts import By, Count, Top
from .commands import AnyRow, Question
from .errors import QueryError, explained
from .finding_alerts import find_alerts
from .finding_observations import find_observations
from .opening import PATIENCE, open_to_read
from .query import Events, Query
from .searching import MOST_LIMIT, Page, Place


class History:
    """Searches an archive, from one thread at a time; each page sees what is committed by then."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open an archive that is there."""
        self._path = path
        self._raw = open_to_read(path, patience=patience)
        engine = create_engine(
            "sqlite://", creator=lambda: self._raw, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
        )
        self._connection = engine.connect()

    def search(self, query: Query, after: str | None = None, limit: int = 100) -> Page:
        """Return the newest events that fit, or those behind a page whose `next` was `after`.

        Newest first: alerts by their time, observations in the order in which they were archived. What
        comes meanwhile does not move a page. Raise `QueryError` where `after` or `limit` make no sense.
        """
        if not 1 <= limit <= MOST_LIMIT:
            raise QueryError(f"limit: a page holds 1 to {MOST_LIMIT:,} events")
        place = None if after is None else Place.read(after)
        find = find_alerts if query.events is Events.ALERTS else find_observations
        return find(self._ask, query, place, limit)

    def pages(self, query: Query, limit: int = MOST_LIMIT) -> Generator[Page]:
        """Yield all pages, as of one moment: what is written meanwhile is not among them.

        Close it, or read it to its end: until then the writer's log grows.
        """
        with self._snapshot():
            page = self.search(query, None, limit)
            yield page
            while page.next is not None:
                page = self.search(query, page.next, limit)
                yield page

    def over_time(
        self, since: datetime, until: datetime, *, by: By | None = None, value: str = "", step: int = 1
    ) -> list[Count]:
        """Return the alerts of the hours that the span touches by severity, oldest first.

        Of all of them, or `by` host, detector or indicator that of one `value`; `step` hours together.
        """
        return charts.over_time(self._ask, since, until, by=by, value=value, step=step)

    def top(self, by: By, since: datetime, until: datetime, limit: int = 10) -> list[Top]:
        """Return the hosts, detectors or indicators with most alerts in the hours that the span touches."""
        return charts.top(self._ask, by, since, until, limit=limit)

    def heat_map(self, since: datetime, until: datetime, by: By = By.HOST, limit: int = 50) -> list[Count]:
        """Return the alerts of each hour that the span touches of the hosts with most, oldest first."""
        return charts.heat_map(self._ask, by, since, until, limit=limit)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._raw.close()

    def _ask(self, query: Question | CompoundSelect[*tuple[Any, ...]]) -> Sequence[AnyRow]:
        with explained(self._path):
            return self._connection.execute(query).all()

    @contextmanager
    def _snapshot(self) -> Generator[None]:
        with explained(self._path):
            self._raw.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.ProgrammingError):  # closed by now: SQLAlchemy does so upon Ctrl-C
                self._raw.execute("ROLLBACK")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
