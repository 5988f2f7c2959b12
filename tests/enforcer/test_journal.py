"""The journal: what outlives the program, the system's restart and damage."""

import sqlite3
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from vedette_enforcer import journal as module
from vedette_enforcer.journal import Journal, JournalError, State
from vedette_enforcer.part import ActError
from vedette_enforcer.surroundings import Surroundings
from vedette_enforcer.wanted import Wanted
from vedette_schemas import OutcomeStatus, SettingsError

from .acting import Acting, Clocked, address, host

ONE, TWO = address("192.0.2.1"), address("192.0.2.2", ttl=3_600)


@pytest.fixture
def clock() -> Clocked:
    return Clocked()


class Place:
    """A part that only remembers."""

    def __init__(self, name: str = "addresses") -> None:
        self.name = name
        self.wanted = Wanted()
        self.problem: str | None = None

    def ability(self) -> str:
        return "on"

    def apply(self, wanted: Wanted, around: Surroundings) -> None:
        if self.problem is not None:
            raise ActError(self.problem)
        self.wanted = wanted

    def disturbed(self) -> bool:
        return False

    @property
    def addresses(self) -> list[str]:
        return [str(network.network_address) for network, _ in self.wanted.networks]


def later(clock: Clocked, seconds: float, calendar: float | None = None, boot: str | None = None) -> None:
    moved = seconds if calendar is None else calendar
    now = clock.now
    uptime = 5.0 if boot else now.uptime + seconds
    clock.now = now._replace(time=now.time + timedelta(seconds=moved), uptime=uptime, boot=boot or now.boot)


def test_what_is_live_outlives_the_program(tmp_path: Path, clock: Clocked) -> None:
    place = Place()
    acting = Acting(tmp_path, place, clock=clock, around=Surroundings())
    id_, _ = acting.begin(ONE)
    again = acting.restarted(after := Place())
    assert [entry.id for entry in again.journal.live()] == [id_]
    assert after.addresses == ["192.0.2.1"]


def test_it_ends_to_the_second_and_setting_the_clock_changes_nothing(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, place := Place(), clock=clock, around=Surroundings())
    acting.begin(ONE)
    for calendar in (-86_400.0, 2 * 86_400.0):
        later(clock, 29.9, calendar)
        acting.blocks.look()
        assert place.addresses == ["192.0.2.1"]
    assert acting.blocks.seconds_to_look() == pytest.approx(0.2)
    later(clock, 0.2)
    acting.blocks.look()
    assert place.addresses == []


def test_after_a_restart_of_the_system_the_calendar_counts(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, Place(), clock=clock, around=Surroundings())
    acting.begin(ONE)
    acting.begin(TWO)
    later(clock, 0, calendar=100, boot="another boot")
    again = acting.restarted(place := Place())
    assert place.addresses == ["192.0.2.2"]
    (entry,) = again.journal.live()
    assert entry.ends == clock.now.uptime + 3_500


def test_a_calendar_that_went_back_over_a_restart_makes_none_longer_than_it_was(
    tmp_path: Path, clock: Clocked
) -> None:
    acting = Acting(tmp_path, Place(), clock=clock, around=Surroundings())
    acting.begin(ONE)
    later(clock, 0, calendar=-86_400, boot="another boot")
    (entry,) = acting.restarted(Place()).journal.live()
    assert entry.ends == clock.now.uptime + 60


def test_a_names_addresses_are_blocked_as_they_become_known_and_none_that_may_not_be(
    tmp_path: Path, clock: Clocked
) -> None:
    around = Surroundings(resolvers=frozenset({ip_address("192.0.2.53")}))
    acting = Acting(tmp_path, place := Place("addresses"), Place("names"), clock=clock, around=around)
    id_, ended = acting.begin(host("evil.example", addresses=True))
    assert "its addresses as name servers tell them" in ended.reason
    assert place.addresses == []
    told = ("192.0.2.1", "192.0.2.53", "127.0.0.1", "::1", "192.0.0.8", "2001:db8::1")
    acting.resolved = {"evil.example": frozenset(map(ip_address, told))}
    acting.blocks.look()
    assert place.addresses == ["192.0.2.1", "2001:db8::1"]
    acting.blocks.undo(id_)
    assert place.addresses == []


def test_overlapping_blocks_and_an_undo_twice(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, place := Place(), clock=clock, around=Surroundings())
    first, _ = acting.begin(ONE)
    second, _ = acting.begin(ONE)
    undone = acting.blocks.undo(first)
    assert "another command keeps it in force until" in undone.reason
    assert place.addresses == ["192.0.2.1"]
    assert acting.blocks.undo(first).reason == "the block of 192.0.2.1 was over already (undone)"
    acting.blocks.undo(second)
    assert place.addresses == []
    assert acting.begin(ONE, second)[1].status is OutcomeStatus.REFUSED


def test_a_tombstone_outlives_the_program_and_its_own_time(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, Place(), clock=clock, around=Surroundings())
    id_ = uuid4()
    acting.blocks.undo(id_)
    again = acting.restarted(place := Place())
    assert again.begin(ONE, id_)[1].status is OutcomeStatus.REFUSED
    assert place.addresses == []
    later(clock, 32 * 86_400)
    assert not again.restarted().journal.is_buried(id_)


def test_what_can_not_be_put_into_force_is_not_live(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, place := Place(), clock=clock, around=Surroundings())
    place.problem = "nft refused"
    _, ended = acting.begin(ONE)
    assert (ended.status, ended.reason) == (OutcomeStatus.FAILED, "not done: nft refused")
    place.problem = None
    acting.blocks.reconcile()
    assert place.addresses == []


def test_what_can_not_be_lifted_is_tried_again(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, place := Place(), clock=clock, around=Surroundings())
    id_, _ = acting.begin(ONE)
    place.problem = "nft refused"
    undone = acting.blocks.undo(id_)
    assert undone.status is OutcomeStatus.FAILED
    assert undone.reason.endswith("undone, but not yet lifted (nft refused); it is tried again")
    place.problem = None
    for _ in range(5):
        acting.blocks.look()
    assert place.addresses == []


def test_what_another_program_writes_is_noticed(tmp_path: Path, clock: Clocked) -> None:
    acting = Acting(tmp_path, place := Place(), clock=clock, around=Surroundings())
    id_, _ = acting.begin(ONE)
    other = Journal(tmp_path / "journal.db", clock)
    other.set_state(State.UNDONE, id_)
    other.close()
    acting.blocks.look()
    assert place.addresses == []
    acting.blocks.look()
    assert acting.journal.live() == []


def test_a_damaged_journal_is_set_aside_and_nothing_is_in_force(tmp_path: Path, clock: Clocked) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database" * 1_000)
    acting = Acting(tmp_path, Place(), clock=clock, around=Surroundings())
    assert acting.journal.set_aside is not None
    assert acting.journal.set_aside.exists()
    assert acting.begin(ONE)[1].status is OutcomeStatus.DONE


def test_one_that_another_program_holds_is_no_damage(
    tmp_path: Path, clock: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.1)
    acting = Acting(tmp_path, Place(), clock=clock, around=Surroundings())
    acting.journal.close()

    holder = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalError, match="can't be used: database is locked"):
        Journal(tmp_path / "journal.db", clock)
    holder.close()
    assert Journal(tmp_path / "journal.db", clock).set_aside is None


def test_where_none_can_be_made_the_settings_are_to_blame(tmp_path: Path, clock: Clocked) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="set another 'journal'"):
        Journal(tmp_path / "file" / "journal.db", clock)


def test_what_is_in_force_is_bounded(tmp_path: Path, clock: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LIVE", 2)
    acting = Acting(tmp_path, Place(), clock=clock, around=Surroundings())
    acting.begin(ONE)
    acting.begin(TWO)
    with pytest.raises(JournalError, match="2 acts are in force"):
        acting.begin(ONE)


def test_the_file_is_its_owners_alone(tmp_path: Path, clock: Clocked) -> None:
    Acting(tmp_path, clock=clock, around=Surroundings())
    assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600
