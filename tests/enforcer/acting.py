"""Blocks as the enforcer has them, but for its thread and its commands."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from vedette_enforcer.blocks import Blocks
from vedette_enforcer.clock import Clock, Now, system_clock
from vedette_enforcer.ended import Ended
from vedette_enforcer.journal import Act, Journal
from vedette_enforcer.never_touch_file import NeverTouch
from vedette_enforcer.part import Part
from vedette_enforcer.surroundings import Address, Surroundings, look_around
from vedette_schemas import Block, BlockedAddress, BlockedHost, BlockedPage
from vedette_transport import BrokerAddress

from .inside import SERVER

BROKER = BrokerAddress(host=SERVER, port=8080)


def address(network: str, port: int | None = None, ttl: int = 60) -> Block:
    return Block(target=BlockedAddress(network=network, port=port), ttl_seconds=ttl)


def host(name: str, *, subdomains: bool = False, addresses: bool = False, ttl: int = 60) -> Block:
    target = BlockedHost(name=name, subdomains=subdomains, addresses=addresses)
    return Block(target=target, ttl_seconds=ttl)


def page(name: str, path: str, ttl: int = 60) -> Block:
    return Block(target=BlockedPage(host=name, path=path), ttl_seconds=ttl)


class Clocked:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = Now(datetime.now(UTC), "a boot", 1_000.0)

    def __call__(self) -> Now:
        return self.now


class Acting:
    """Blocks with a journal in `folder`."""

    def __init__(
        self,
        folder: Path,
        *parts: Part,
        clock: Clock = system_clock,
        around: Surroundings | None = None,
    ) -> None:
        self._folder, self._parts, self._clock, self._surroundings = folder, parts, clock, around
        self.journal = Journal(folder / "journal.db", clock)
        self.resolved: dict[str, frozenset[Address]] = {}
        self.blocks = self._blocks(parts)

    def begin(self, act: Act, id_: UUID | None = None) -> tuple[UUID, Ended]:
        id_ = id_ or uuid4()
        return id_, self.blocks.begin(id_, act, self._clock().time)

    def restarted(self, *parts: Part) -> "Acting":
        """Go on as the program that is started next does."""
        self.journal.close()
        again = Acting(self._folder, *(parts or self._parts), clock=self._clock, around=self._surroundings)
        again.blocks.reconcile()
        return again

    def _around(self) -> Surroundings:
        return self._surroundings or look_around(BROKER, frozenset(), "host-7")

    def _blocks(self, parts: Sequence[Part]) -> Blocks:
        return Blocks(
            self.journal,
            parts,
            around=self._around,
            never=NeverTouch,
            lock=contextlib.nullcontext,
            clock=self._clock,
            resolved=lambda names: {name: self.resolved[name] for name in names if name in self.resolved},
        )
