"""Killed at each line of a command's way: what is in force is what the journal says, and it is answered."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vedette_enforcer.browsers import CHROMIUMS, OUR_FILE
from vedette_enforcer.clock import system_clock
from vedette_enforcer.journal import Journal
from vedette_schemas import Command, Outcome, OutcomeStatus, Undo

from ..authority import Authority, Issued, make_ca
from .acting import host
from .inside import World
from .orders import ANALYZER, command
from .pipeline import carry_out, in_a_process, killed_at, lines_of, release, spooled

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(600)]

EVERY_LINE = "VEDETTE_EVERY_LINE" in os.environ
"""Some minutes: by default each seventh does."""


class Site:
    """A CA, and a folder that each run of the enforcer goes on from."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.authority: Authority = make_ca(world.folder / "ca")
        self._analyzer: Issued = self.authority.issue(ANALYZER)
        self.runs = 0
        self.anew()

    def anew(self) -> None:
        self.runs += 1
        self.folder = self.world.folder / f"run-{self.runs}"
        self.folder.mkdir()

    def token(self, order: Command) -> str:
        return self._analyzer.signer().sign(order)

    def work(self, *orders: Command) -> "partial[list[Outcome]]":
        return partial(carry_out, self.folder, self.authority.path, [self.token(order) for order in orders])

    def restart(self) -> None:
        """Let it put into force what the journal says: that is done before any command."""
        in_a_process(self.work(command(order=Undo(command_id=uuid4()))))

    def in_force(self) -> set[bool]:
        """Return what each place says, the journal among them."""
        journal = Journal(self.folder / "journal.db", system_clock)
        live = bool(journal.live())
        journal.close()
        return {
            live,
            b"evil.example" in Path("/etc/hosts").read_bytes(),
            (CHROMIUMS[0].folder / OUR_FILE).exists(),
            "hook output" in self.world.table(),
        }

    def lines(self, *before: Command, then: Command) -> list[tuple[str, int]]:
        """Return the lines from when `then` comes in."""
        self.anew()
        if before:
            in_a_process(self.work(*before))
        return self.lines_of(self.work(then))

    def lines_of(self, work: Callable[[], Any]) -> list[tuple[str, int]]:
        found = in_a_process(partial(lines_of, work))
        assert len(found) > 100
        return list(found)[:: 1 if EVERY_LINE else 7]

    def told(self) -> list[Outcome]:
        """Return what waits to be told of releases."""
        return [outcome for outcome in spooled(self.folder) if outcome.status is OutcomeStatus.RELEASED]


def test_a_block_at_each_line(world: World) -> None:
    site = Site(world)
    killed = 0
    for line in site.lines(then=command(order=host("evil.example"))):
        site.anew()
        block = command(order=host("evil.example"))
        killed += in_a_process(partial(killed_at, line, site.work(block))) is None
        site.restart()
        assert len(site.in_force()) == 1, line
        (outcome,) = in_a_process(site.work(block))
        assert (outcome.status, outcome.command_id) == (OutcomeStatus.DONE, block.id), (line, outcome)
        assert site.in_force() == {True}, line
        (undone,) = in_a_process(site.work(command(order=Undo(command_id=block.id))))
        assert undone.status is OutcomeStatus.DONE, (line, undone)
        assert site.in_force() == {False}, line
    assert killed > 30


def test_an_undo_at_each_line(world: World) -> None:
    site = Site(world)
    block = command(order=host("evil.example"))
    for line in site.lines(block, then=command(order=Undo(command_id=block.id))):
        site.anew()
        block = command(order=host("evil.example"))
        undo = command(order=Undo(command_id=block.id))
        in_a_process(site.work(block))
        in_a_process(partial(killed_at, line, site.work(undo)))
        site.restart()
        assert len(site.in_force()) == 1, line
        (outcome,) = in_a_process(site.work(undo))
        assert (outcome.status, outcome.command_id) == (OutcomeStatus.DONE, undo.id), (line, outcome)
        assert site.in_force() == {False}, line


def test_a_release_at_each_line(world: World) -> None:
    site = Site(world)
    in_a_process(site.work(command(order=host("evil.example"))))
    for line in site.lines_of(partial(release, site.folder)):
        site.anew()
        block = command(order=host("evil.example"))
        in_a_process(site.work(block))
        in_a_process(partial(killed_at, line, partial(release, site.folder)))
        site.restart()
        assert len(site.in_force()) == 1, line
        was_lifted = site.in_force() == {False}
        assert [outcome.command_id for outcome in site.told()] == [block.id] * was_lifted, line
        in_a_process(partial(release, site.folder))
        site.restart()
        assert site.in_force() == {False}, line
        assert [outcome.command_id for outcome in site.told()] == [block.id], line


def test_the_telling_of_a_release_at_each_line(world: World) -> None:
    site = Site(world)
    block = command(order=host("evil.example"))
    in_a_process(site.work(block))
    in_a_process(partial(release, site.folder))
    for line in site.lines_of(site.work(command(order=Undo(command_id=uuid4())))):
        site.anew()
        block = command(order=host("evil.example"))
        in_a_process(site.work(block))
        in_a_process(partial(release, site.folder))
        in_a_process(partial(killed_at, line, site.work(command(order=Undo(command_id=uuid4())))))
        site.restart()
        site.restart()
        assert [outcome.command_id for outcome in site.told()] == [block.id], line
        (refused,) = in_a_process(site.work(command(order=host("evil.example"), id=block.id)))
        assert refused.repeated or refused.status is OutcomeStatus.REFUSED, line
        assert site.in_force() == {False}, line
