"""No command is carried out twice, whenever the enforcer is ended and started again."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_enforcer.core import Gate, Task
from vedette_enforcer.known import Known
from vedette_schemas import Command, Outcome, OutcomeStatus, Terminate, decode_report, topics
from vedette_transport import Note
from vedette_transport.signing import Verifier

from tests import brokers

from ..authority import Authority, Issued
from .orders import ENFORCER, NOBODY_RUNS, command, notify
from .programs import Programs, lives


class Notes:
    """A notebook that outlives the gates that use it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def notes(self) -> Mapping[str, bytes]:
        return dict(self.kept)

    def write_notes(self, *notes: Note) -> None:
        self.kept.update(notes)

    def remove_notes(self, names: Iterable[str]) -> None:
        for name in names:
            del self.kept[name]


class Runs:
    """The gates of an enforcer that is started again and again."""

    def __init__(self, authority: Authority, analyzer: Issued) -> None:
        self._verifier, self._signer = Verifier(authority.path, ENFORCER), analyzer.signer()
        self.notes = Notes()
        self.restart()

    def restart(self, most: int = 10) -> "Runs":
        self.gate = Gate(self._verifier, Known(self.notes, most))
        return self

    def take(self, order: Command) -> Task | Outcome | None:
        return self.gate.take(self._signer.sign(order).encode(), datetime.now(UTC))

    def begin(self, order: Command) -> Task:
        task = self.take(order)
        assert isinstance(task, Task)
        return task

    def answer(self, order: Command) -> Outcome:
        outcome = self.take(order)
        assert isinstance(outcome, Outcome)
        return outcome


@pytest.fixture
def runs(authority: Authority, analyzer: Issued) -> Runs:
    return Runs(authority, analyzer)


def test_what_was_done_before_the_restart_is_answered_and_not_done_again(runs: Runs) -> None:
    order = command()
    done = runs.begin(order).outcome(OutcomeStatus.DONE, "ended it", datetime.now(UTC), ended=(NOBODY_RUNS,))
    runs.gate.settled(done)
    again = runs.restart().answer(order)
    assert again.model_copy(update={"command": done.command}) == done.model_copy(update={"repeated": True})


def test_an_ending_that_was_cut_short_is_carried_out_again_once_and_says_so(runs: Runs) -> None:
    order = command()
    assert not runs.begin(order).again
    task = runs.restart().begin(order)
    assert runs.take(order) is None, "it is being carried out"
    outcome = task.outcome(OutcomeStatus.DONE, "it had already ended", datetime.now(UTC))
    assert outcome.reason == (
        "it had already ended (this was its second time: the enforcer was ended while doing it before)"
    )


def test_a_notice_that_was_cut_short_is_not_shown_again(runs: Runs) -> None:
    order = command(order=notify(1000))
    runs.begin(order)
    outcome = runs.restart().answer(order)
    assert (outcome.status, outcome.reason) == (OutcomeStatus.FAILED, "the enforcer was ended while doing it")
    assert runs.restart().answer(order).repeated


def test_a_known_id_with_another_order_is_refused_after_a_restart_too(runs: Runs) -> None:
    order = command()
    runs.begin(order)
    other = command(id=order.id, order=Terminate(process=NOBODY_RUNS, uid=0))
    outcome = runs.restart().answer(other)
    assert outcome.reason == "refused: its id came before with another order"
    assert isinstance(runs.take(order), Task)


def test_what_is_noted_is_bounded_and_kept_for_a_day_after_it_expired(runs: Runs) -> None:
    for _ in range(15):
        runs.begin(command())
    assert len(runs.notes.kept) == 10
    known = Known(runs.notes, most=10)
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=2)
    assert known.is_new(command(), tomorrow)
    assert len(runs.notes.kept) == 1


def test_notes_that_cant_be_read_are_passed_over(runs: Runs) -> None:
    runs.notes.kept |= {"command/x": b"{}", f"command/{command().id}": b"garbage", "other": b""}
    assert isinstance(runs.restart().take(command()), Task)


class Enforcer:
    """A running `vedette-enforcer` that is killed when the block ends, as others before it were."""

    def __init__(self, folder: Path, console: brokers.Client) -> None:
        self._folder, self._console = folder, console

    def __enter__(self) -> "Enforcer":
        self._program = subprocess.Popen(
            [sys.executable, "-m", "vedette_enforcer", "--settings", "enforcer.toml"], cwd=self._folder
        )
        self._await_status()
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.wait()
        self._await_status()  # its will

    def order(self, token: bytes) -> None:
        self._console.publish(topics.command(ENFORCER), token)

    def outcome(self, *, repeated: bool = False) -> Outcome:
        """Return the next of that kind: nobody acks, so those of earlier runs come again."""
        deadline = time.monotonic() + brokers.WAIT
        while time.monotonic() < deadline:
            topic, payload = self._console.next()
            if "/up/" in topic:
                (item,) = decode_report(topic, payload).items
                assert isinstance(item, Outcome)
                if item.repeated == repeated:
                    return item
        raise AssertionError("no outcome")

    def _await_status(self) -> None:
        while "/status/" not in self._console.next()[0]:
            pass


@pytest.fixture
def console(authority: Authority, tmp_path: Path) -> Iterator[brokers.Client]:
    with brokers.broker("mosquitto", tmp_path / "broker") as running:
        (tmp_path / "enforcer.toml").write_text(
            f'host = "host-7"\nca = "{authority.path}"\nsocket = "s"\nspool = "spool.db"\n'
            f"term_seconds = 3\n[broker]\nport = {running.address.port}\nplain = true\n"
        )
        console = brokers.Client(running.address, topics.EVERY_REPORT, topics.EVERY_STATUS)
        yield console
        console.close()


@pytest.mark.system
def test_an_enforcer_that_is_killed_remembers_what_it_did(
    analyzer: Issued, tmp_path: Path, programs: Programs, console: brokers.Client
) -> None:
    process = programs.stay(programs.copy())
    token = analyzer.signer().sign(command(order=Terminate(process=process))).encode()
    with Enforcer(tmp_path, console) as enforcer:
        enforcer.order(token)
        first = enforcer.outcome()
    with Enforcer(tmp_path, console) as enforcer:
        enforcer.order(token)
        again = enforcer.outcome(repeated=True)
    assert first.status is OutcomeStatus.DONE
    assert first.ended == again.ended == (process,)
    assert not lives(process)


@pytest.mark.system
def test_an_enforcer_that_is_killed_while_it_acts_ends_it_after_all(
    analyzer: Issued, tmp_path: Path, programs: Programs, console: brokers.Client
) -> None:
    process = programs.perl("$SIG{TERM} = 'IGNORE'; stay").process()
    token = analyzer.signer().sign(command(order=Terminate(process=process))).encode()
    with Enforcer(tmp_path, console) as enforcer:
        enforcer.order(token)
        time.sleep(1)  # it has sent TERM, and waits
    assert lives(process)
    with Enforcer(tmp_path, console) as enforcer:
        enforcer.order(token)
        outcome = enforcer.outcome()
    assert outcome.status is OutcomeStatus.DONE
    assert outcome.reason.endswith("(this was its second time: the enforcer was ended while doing it before)")
    assert not lives(process)
