import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from vedette_archive import ArchiveDamagedError, ArchiveError, Reader, Writer, check, schema
from vedette_archive.migrating import configuration

from tests.archive.history import observed


def shape(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {" ".join(sql.split()).replace(" )", ")") for (sql,) in found if "alembic" not in sql}


def is_no_word_index(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or "_words" not in (name or "")


def test_migrations_lead_to_the_tables_of_the_schema(writer: Writer, path: Path, tmp_path: Path) -> None:
    written = tmp_path / "written.db"
    for database in (path, written):
        engine = create_engine(f"sqlite:///{database}")
        with engine.connect() as connection:
            if database == written:
                schema.metadata.create_all(connection)
                connection.commit()
            context = MigrationContext.configure(connection, opts={"include_name": is_no_word_index})
            assert compare_metadata(context, schema.metadata) == []
        engine.dispose()
    assert shape(path) == shape(written)


def test_the_newest_migration_is_the_one_the_schema_names() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [schema.HEAD]


def test_an_archive_of_an_earlier_schema_keeps_what_it_knows(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        config = configuration()
        with create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool).begin() as borrowed:
            config.attributes["connection"] = borrowed
            command.upgrade(config, "0001")
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute("INSERT INTO archive (id, name, created_at) VALUES (1, 'its name', 0)")
        connection.execute(
            "INSERT INTO senders (principal, host, life, heard_at) VALUES ('sensor@a', 'a', 'gone', 0)"
        )
    with Writer(path), Reader(path) as reader:
        (heard,) = reader.senders()
        assert (reader.name, heard.principal, heard.told) == ("its name", "sensor@a", None)
    assert check(path) == []


def test_an_archive_keeps_its_name_and_each_opening_has_its_own(path: Path, tmp_path: Path) -> None:
    with Writer(path) as one:
        name, epoch = one.name, one.epoch
    with Writer(path) as again, Reader(path) as reader, Writer(tmp_path / "other.db") as other:
        assert again.name == reader.name == name != other.name
        assert again.epoch == reader.books.position.epoch != epoch


def test_an_archive_is_readable_by_its_owner_alone(writer: Writer, path: Path) -> None:
    writer.store(observed())
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert len(list(path.parent.iterdir())) == 3
    assert modes == {0o600}


def test_programs_that_open_a_new_archive_at_once_agree_on_it(path: Path) -> None:
    script = (
        "import sys, pathlib, vedette_archive; print(vedette_archive.Writer(pathlib.Path(sys.argv[1])).name)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    names = [process.communicate(timeout=60)[0] for process in started]
    assert len(set(names)) == 1
    assert names[0].strip()


@pytest.mark.parametrize("opened", [Writer, Reader])
def test_a_newer_schema_is_refused_in_one_line(
    writer: Writer, path: Path, opened: type[Writer | Reader]
) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ArchiveError, match=r"newer Vedette \(schema 9999, this one knows") as refused:
        opened(path)
    assert "\n" not in str(refused.value)


def test_an_older_schema_is_not_read_before_a_writer_has_brought_it_up_to_date(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
    with pytest.raises(ArchiveError, match="start the analyzer once"):
        Reader(path)
    with Writer(path), Reader(path) as reader:
        assert reader.counts().archived == 0


def test_another_programs_database_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(ArchiveError, match="another program's database"):
        Writer(path)


def test_an_archive_that_is_not_there_is_not_read_and_not_made(path: Path) -> None:
    with pytest.raises(ArchiveError, match="no archive has been made yet"):
        Reader(path)
    assert not path.exists()


def test_a_folder_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(ArchiveError, match="can't be opened: No such file or directory"):
        Writer(path.parent / "missing" / "archive.db")


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [cut_in_half, overwrite])
@pytest.mark.parametrize("opened", [Writer, Reader])
def test_a_damaged_file_is_refused_in_one_line_that_says_what_to_do(
    path: Path, damage: Callable[[Path], None], opened: type[Writer | Reader]
) -> None:
    with Writer(path) as writer:
        writer.store(observed(1, 5_000))
    damage(path)
    with pytest.raises(ArchiveDamagedError, match="restore a backup, or move it away") as refused:
        opened(path)
    assert "\n" not in str(refused.value)


def test_noise_within_the_file_is_found_by_a_check(path: Path) -> None:
    with Writer(path) as writer:
        writer.store(observed(1, 5_000))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(random.Random(1).randbytes(10_000))
    assert any("damaged" in line for line in check(path))
