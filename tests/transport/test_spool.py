"""The spool on a real disk: what is kept stays, whatever ends the program; what is damaged stops nothing."""

import json
import logging
import os
import random
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from vedette_schemas import Ack, AckedStream, Kind, Position, Principal, SettingsError, Stream
from vedette_transport import Note, Outbox
from vedette_transport.delivery import Sender, SenderLimits
from vedette_transport.delivery.spool import SpoolDamagedError
from vedette_transport.spool import SqliteSpool

from tests import messages

ROOT = Path(__file__).parents[2]
NAME = "sensor@host-7"
SENSOR = Principal.parse(NAME)
WINDOWS = Stream(NAME, "0" * 16, "window")


def sender(spool: SqliteSpool, number: int = 0, capacity: int = 2**26) -> Sender:
    limits = SenderLimits(capacity=capacity, unacknowledged=100_000)
    return Sender(spool, NAME, f"{number:016x}", lambda: 0.5, limits)


def ack(sender: Sender, first: int, last: int) -> Ack:
    told = sender.heartbeat()
    acked = AckedStream(spool=told.spool, kind=Kind.WINDOW, ranges=((first, last),))
    return Ack(audience=NAME, archive=Position(epoch="a" * 16, commits=7), streams=(acked,))


def items(sender: Sender) -> list[bytes]:
    sender.reconnect()
    return [item for run in sender.due(0.0) for item in run.items]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def test_what_one_run_kept_the_next_finds(path: Path) -> None:
    spool = SqliteSpool.at(path, NAME)
    first = sender(spool, 1)
    for number in range(1, 201):
        first.put(Kind.WINDOW, f"{number}".encode())
    first.put(Kind.CLIPBOARD, b"copied")
    first.acked(ack(first, 3, 60))
    first.acked(ack(first, 190, 200))
    before = first.heartbeat()
    spool.close()
    again = sender(SqliteSpool.at(path, NAME), 2)
    after = again.heartbeat()
    assert after.heard == before.heard == (Position(epoch="a" * 16, commits=7),)
    assert (before.ordinal, after.ordinal) == (1, 2)
    assert [state.model_copy(update={"final": True}) for state in before.streams] == list(after.streams)
    assert after.streams[-1].next == 201, "though the last are gone"
    assert items(again) == [f"{n}".encode() for n in (1, 2, *range(61, 190))] + [b"copied"]


def test_a_note_is_kept_with_its_observation_or_alone(path: Path) -> None:
    outbox = Outbox(SENSOR, path)
    outbox.put(messages.window(), Note("a", b"1"))
    outbox.put(messages.window(), Note("a", b"2"))
    outbox.put(messages.window())
    outbox.write_notes(Note("b", b"3"), Note("c", b"4"))
    outbox.remove_notes(["b"])
    outbox.close()
    assert Outbox(SENSOR, path).notes() == {"a": b"2", "c": b"4"}


def test_it_is_its_owners_alone(path: Path) -> None:
    path.touch(0o644)
    outbox = Outbox(SENSOR, path)
    outbox.put(messages.window())
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("spool.db", "spool.db-wal", "spool.db-room"), 0o600)


def test_what_was_acked_is_overwritten(path: Path) -> None:
    spool = SqliteSpool.at(path, NAME)
    first = sender(spool)
    first.put(Kind.WINDOW, b"people's clipboard")
    first.acked(ack(first, 1, 1))
    spool.close()
    assert b"clipboard" not in path.read_bytes()


def test_its_file_stays_near_its_bound(path: Path) -> None:
    spool = SqliteSpool.at(path, NAME)
    bounded = sender(spool, capacity=2**22)
    dice = random.Random(1)
    for _ in range(30_000):
        bounded.put(
            dice.choice([Kind.WINDOW, Kind.CLIPBOARD]), bytes(dice.choice([200, 400, 1_500, 2_500, 6_000]))
        )
        spool.tidy()
    files = sum(file.stat().st_size for file in path.parent.iterdir())
    assert files < 2 * 2**22 + 2**23


def test_a_second_program_is_refused_in_a_line_while_the_first_lives(path: Path) -> None:
    command = [sys.executable, "-m", "tests.transport.spooling", str(path), "0" * 16]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(SettingsError, match="another program uses it: end that one, or set another"):
            Outbox(SENSOR, path)
        other.kill()
    Outbox(SENSOR, path).close()


@pytest.mark.parametrize("where", ["file/spool.db", "\0.db"])
def test_a_path_that_cant_be_is_refused_in_a_line(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="can't be made"):
        Outbox(SENSOR, tmp_path / where)


def test_what_is_no_file_keeps_its_rights(tmp_path: Path) -> None:
    """As root a spool by the name of /dev/null would take it from everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    with pytest.raises(SettingsError, match="is a device or a pipe"):
        Outbox(SENSOR, pipe)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o644


@pytest.mark.system
def test_what_was_kept_survives_ten_kills_at_random_moments(path: Path) -> None:
    kept: dict[str, int] = {}
    for round_ in range(10):
        name = f"{round_:016x}"
        command = [sys.executable, "-m", "tests.transport.spooling", str(path), name]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            first = program.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                program.wait(random.Random(round_).uniform(0, 0.1))
            program.kill()
            kept[name] = int(([first, *program.stdout.read().splitlines()])[-1])
    found = {stream.spool: state for stream, state in SqliteSpool.at(path, NAME).streams().items()}
    assert [state.ordinal for state in found.values()] == list(range(1, 11))
    for name, number in kept.items():
        assert found[name].held.pairs in (((1, number),), ((1, number + 1),)), "one may not have been said"


# Damage


def filled(path: Path, count: int = 2_000) -> None:
    outbox = Outbox(SENSOR, path)
    for number in range(count):
        outbox.put(messages.window(number % 1_000))
    outbox.close()


def cut_in_half(path: Path) -> None:
    filled(path)
    os.truncate(path, path.stat().st_size // 2)


def cut_to_a_page(path: Path) -> None:
    filled(path)
    os.truncate(path, 4_096)


def noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(100_000))


def noise_in_its_schema(path: Path) -> None:
    filled(path)
    overwrite(path, 100, 3_000)


def noise_in_its_middle(path: Path) -> None:
    filled(path)
    overwrite(path, 16 * 4_096, 4 * 4_096)


def anothers_database(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE precious (thing)")
    other.close()


def a_stream_that_makes_no_sense(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE stream SET dropped = '[1'")
    other.close()


def no_rows(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM meta")
    other.close()


def a_folder(path: Path) -> None:
    path.mkdir()
    (path / "precious").touch()


def overwrite(path: Path, start: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(random.Random(1).randbytes(size))


@pytest.mark.parametrize(
    "damage",
    [
        cut_in_half,
        cut_to_a_page,
        noise,
        noise_in_its_schema,
        noise_in_its_middle,
        anothers_database,
        a_stream_that_makes_no_sense,
        no_rows,
        a_folder,
    ],
)
def test_a_damaged_spool_is_set_aside_and_a_new_one_begun(
    path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(damage)
    damage(path)
    outbox = Outbox(SENSOR, path)
    (aside,) = path.parent.glob("spool.db.damaged-*Z")
    assert outbox.facts == {"spool": f"new: the old one was damaged and lies at {aside}"}
    assert len(caplog.records) == 1
    outbox.put(messages.window())
    assert [stream.next for stream in outbox.heartbeat().streams] == [2]
    outbox.close()
    again = Outbox(SENSOR, path)
    assert again.facts == {}
    assert [stream.next for stream in again.heartbeat().streams] == [2]


def test_a_spool_of_another_name_is_set_aside_since_its_streams_were_told_under_that(path: Path) -> None:
    before = Outbox(Principal.parse("sensor@host-8"), path)
    before.put(messages.window())
    before.close()
    renamed = Outbox(SENSOR, path)
    assert renamed.heartbeat().streams == ()
    assert renamed.facts["spool"].startswith("new: the old one was damaged")
    renamed.close()


def test_damage_that_is_found_while_running_stops_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled(path, 20_000)  # more than SQLite has in memory
    outbox = Outbox(SENSOR, path)
    name = outbox.heartbeat().spool
    overwrite(path, 4_096, path.stat().st_size - 4_096)
    for number in range(100):
        outbox.put(messages.clipboard(f"copied {number}"))
        outbox._do(lambda sender: list(sender.due(0.0)))  # pyright: ignore[reportPrivateUsage]
    assert outbox.heartbeat().spool != name
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert outbox.facts["spool"].startswith("new: the old one was damaged")
    assert len(list(path.parent.glob("spool.db.damaged-*Z"))) == 1


def test_an_observation_that_changed_on_disk_is_not_sent_and_notes_are_kept(path: Path) -> None:
    outbox = Outbox(SENSOR, path)
    outbox.put(messages.clipboard("the first copy"), Note("a", b"1"))
    outbox.close()
    path.write_bytes(path.read_bytes().replace(b"the first", b"the worst"))
    spool = SqliteSpool.at(path, NAME)
    reader = sender(spool)
    with pytest.raises(SpoolDamagedError):
        items(reader)
    spool.close()
    outbox = Outbox(SENSOR, path)
    sent = outbox._do(lambda sender: list(sender.due(0.0)))  # pyright: ignore[reportPrivateUsage]
    assert sent == []
    assert outbox.facts["spool"].startswith("new: ")
    assert outbox.notes() == {"a": b"1"}


def test_of_damaged_spools_the_last_three_are_kept(path: Path) -> None:
    for _ in range(5):
        noise(path)
        Outbox(SENSOR, path).close()
    assert len(list(path.parent.glob("spool.db.damaged-*"))) == 3


# A disk that takes nothing


@pytest.mark.root
def test_a_full_disk_loses_only_what_is_said_to_be_dropped_and_no_outcome(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["unshare", "--mount", sys.executable, "-m", "tests.transport.filling", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(ran.stdout or "null") == {
        "fits": False,
        "outcomes while it is full": [[1, 4]],
        "fits once there is room": True,
        "held or dropped": [[1, 20_010]],
        "both": [],
        "some of each": True,
        "the same again": True,
        "held again": True,
        "outcomes again": [[1, 4]],
    }, ran


@pytest.mark.root
def test_without_a_disk_a_program_starts_all_the_same(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; from pathlib import Path; from vedette_schemas import Principal\n"
        "from vedette_transport import Outbox; from tests.messages import window\n"
        "where = Path(sys.argv[1])\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', where], check=True)\n"
        "outbox = Outbox(Principal.parse('sensor@host-7'), where / 'spool.db')\n"
        "outbox.put(window()); print(outbox.heartbeat().streams[0].next, outbox.facts['spool'])"
    )
    ran = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", code, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == f"2 off: {tmp_path}/spool.db can't be used; what waits is in memory\n", ran


def test_trouble_is_said_once_and_once_more_when_it_is_over(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(SENSOR, path)
    outbox.put(messages.window())
    connection = outbox._spool._db  # pyright: ignore[reportPrivateUsage]
    connection.execute("PRAGMA query_only=ON")  # SQLite answers as it does on a disk that is read-only
    for _ in range(5):
        outbox.put(messages.window())
    outbox.put(messages.outcome(None))
    assert outbox.facts["spool"].startswith("off: it can't be written to (")
    states = {stream.kind: stream for stream in outbox.heartbeat().streams}
    assert (states[Kind.WINDOW].dropped, states[Kind.WINDOW].oldest) == (((2, 6),), 1)
    assert (states[Kind.OUTCOME].dropped, states[Kind.OUTCOME].oldest) == ((), 1)
    connection.execute("PRAGMA query_only=OFF")
    outbox.put(messages.window())
    assert outbox.facts["spool"].startswith("off: "), "it may come again"
    monkeypatch.setattr("vedette_transport.outbox._CALM", 0.0)
    outbox.put(messages.clipboard())
    assert outbox.facts == {}
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    told = outbox.heartbeat()
    outbox.close()
    again = Outbox(SENSOR, path).heartbeat()
    assert again.streams == tuple(state.model_copy(update={"final": True}) for state in told.streams)
