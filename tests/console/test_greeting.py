"""What `vedette up` says of what is in force, at its begin and at its end."""

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from vedette_console.deployment import Deployment
from vedette_console.greeting import MOST_HELD, parting_lines, ready_lines
from vedette_enforcer.clock import system_clock
from vedette_enforcer.journal import Journal, State
from vedette_schemas import Block, BlockedHost, Mode
from vedette_transport import BrokerAddress


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    found = Deployment(
        tmp_path / "a b", "host-7", BrokerAddress(), (Path("list.csv"),), 8884, mode=Mode.APPROVE
    )
    found.prepare()
    return found


def hold(deployment: Deployment, count: int) -> None:
    """Write down that so much is in force, as the enforcer does."""
    journal = Journal(deployment.folder / "journal.db", system_clock)
    for number in range(count):
        act = Block(target=BlockedHost(name=f"evil-{number}.test"), ttl_seconds=3_600)
        entry = journal.plan(uuid4(), act, datetime.now(UTC) - timedelta(seconds=number))
        journal.set_state(State.IN_FORCE, entry.id)
    journal.close()


def test_at_the_end_it_names_what_stays_and_how_to_release_it(deployment: Deployment) -> None:
    hold(deployment, 2)
    first, *held, release, _ = parting_lines(deployment, {"in_force": "1 block"})
    assert first == "stays in force on this host:"
    assert {line.split(" until ")[0] for line in held} == {"  block evil-0.test", "  block evil-1.test"}
    program, *options = shlex.split(release.partition(": ")[2])
    assert Path(program).exists()
    assert options == ["release", "--all", "--settings", str(deployment.folder / "enforcer.toml")]


def test_of_much_it_names_some(deployment: Deployment) -> None:
    hold(deployment, MOST_HELD + 3)
    lines = list(parting_lines(deployment, {}))
    assert sum("block evil-" in line for line in lines) == MOST_HELD
    assert "  and 3 more" in lines


def test_what_was_released_at_the_host_meanwhile_is_not_named(deployment: Deployment) -> None:
    hold(deployment, 0)
    assert list(parting_lines(deployment, {"in_force": "1 block"})) == []


def test_without_a_journal_the_enforcers_last_word_counts(deployment: Deployment) -> None:
    assert "  1 block" in parting_lines(deployment, {"in_force": "1 block"})
    assert list(parting_lines(deployment, {"in_force": "nothing"})) == []
    assert list(parting_lines(deployment, {})) == []


@pytest.mark.parametrize(("fact", "count"), [("2 blocks", 1), ("nothing", 0), (None, 0)])
def test_what_is_in_force_is_said_when_all_is_ready(
    deployment: Deployment, fact: str | None, count: int
) -> None:
    facts = {} if fact is None else {"in_force": fact}
    assert list(ready_lines(deployment, {}, facts)).count(f"  in force   {fact}") == count


@pytest.mark.parametrize(("fact", "count"), [("3", 1), ("nothing", 0), (None, 0)])
def test_what_is_suppressed_is_said_when_all_is_ready(
    deployment: Deployment, fact: str | None, count: int
) -> None:
    facts = {} if fact is None else {"suppressed": fact}
    told = [line for line in ready_lines(deployment, {}, {}, analyzer=facts) if "  suppressed" in line]
    assert len(told) == count
    for line in told:
        assert line.startswith("  suppressed 3, which is not told: vedette suppressions --folder '")
        assert shlex.split(line)[-1] == str(deployment.folder)


def test_that_people_are_told_is_said_where_there_is_a_file_for_it(deployment: Deployment) -> None:
    def told() -> list[str]:
        return [line for line in ready_lines(deployment, {}, {}) if "  telling" in line]

    assert told() == []
    (deployment.folder / "notify.toml").touch()
    (line,) = told()
    assert shlex.split(line)[-3:] == ["check", "--folder", str(deployment.folder)]


def test_all_that_is_off_is_said_and_what_the_mode_means(deployment: Deployment) -> None:
    lines = list(ready_lines(deployment, {"window": "on"}, {"block": "off: why"}))
    assert {
        "  window     on",
        "  clipboard  off",
        "  block      off: why",
        "  mode       approve: nothing is done before you approve it",
    } <= set(lines)
