"""Runs the migrations that ship with the package."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration() -> Config:
    """Return Alembic's settings: there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def migration(connection: sqlite3.Connection) -> Generator[Callable[[], None]]:
    """Open a transaction that locks out other writers; give the call that migrates to the newest revision."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: connection,
        poolclass=StaticPool,
        pool_reset_on_return=None,  # the connection is the caller's
        isolation_level="AUTOCOMMIT",  # SQLAlchemy opens no transaction of its own, but ends ours
    )
    with engine.begin() as borrowed:
        connection.execute("BEGIN IMMEDIATE")
        config = configuration()
        config.attributes["connection"] = borrowed
        yield lambda: command.upgrade(config, "head")
