"""The commands that were taken, and what became of each: known across restarts, so none is done twice."""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol
from uuid import UUID

from pydantic import AwareDatetime, Field
from vedette_schemas import Command, Message, MessageError, Outcome, decode, digest, encode
from vedette_transport import Note

LONGEST = 900
"""Of a reason that words are added to."""

_REMEMBERED = 10_000
_LISTS = 256
"""Recorded outcomes that keep the list of what was ended: a list can be large."""

_KEPT_FOR = timedelta(days=1)
"""After it expired, lest setting the clock back revives a command."""

_NOTE = "command/"


class Notebook(Protocol):
    """Notes that outlive the program."""

    def notes(self) -> Mapping[str, bytes]:
        """Return them all."""
        ...

    def write_notes(self, *notes: Note) -> None:
        """Keep notes; one of the same name is replaced."""
        ...

    def remove_notes(self, names: Iterable[str]) -> None:
        """Let go of notes."""
        ...


class _Record(Message):
    """A command that was taken: `order` is a digest of what it orders."""

    order: Annotated[str, Field(max_length=64)]
    expires_at: AwareDatetime
    outcome: Outcome | None = None


class Known:
    """A bounded number of commands, by id; those that expire first are forgotten first."""

    def __init__(self, notebook: Notebook | None = None, most: int = _REMEMBERED) -> None:
        """Go on from what is in the notebook; without one, remember until the program ends."""
        self._notebook, self._most = notebook, most
        self._records: dict[UUID, _Record] = {}
        self._expiries: list[tuple[datetime, UUID]] = []
        self._with_lists: deque[UUID] = deque()
        self._cut_short: set[UUID] = set()
        if notebook is not None:
            for name, value in notebook.notes().items():
                self._recall(name, value)
        self._forget_old(datetime.now(UTC))

    def is_new(self, command: Command, now: datetime) -> bool:
        """Remember a command, on disk, before anything is done about it; tell whether its id was unknown."""
        if command.id in self._records:
            return False
        self._forget_old(now)
        self._remember(command.id, _Record(order=digest(command.order), expires_at=command.expires_at))
        heapq.heappush(self._expiries, (command.expires_at, command.id))
        return True

    def has_same_order(self, command: Command) -> bool:
        """Tell whether its id came with this order."""
        record = self._records.get(command.id)
        return record is not None and record.order == digest(command.order)

    def was_cut_short(self, command: Command) -> bool:
        """Tell, once, whether an earlier run of the program took it and was ended before it was over."""
        if command.id not in self._cut_short:
            return False
        self._cut_short.remove(command.id)
        return True

    def outcome(self, command: Command) -> Outcome | None:
        """Return what became of it; `None` while it is being carried out."""
        record = self._records.get(command.id)
        return record.outcome if record else None

    def settled(self, outcome: Outcome) -> None:
        """Record what became of a command, without the command itself."""
        id_ = outcome.command_id
        if id_ is None or id_ not in self._records:
            return
        self._set(id_, outcome.model_copy(update={"command": None}))
        if outcome.ended:
            self._with_lists.append(id_)
        if len(self._with_lists) > _LISTS:
            self._strip(self._with_lists.popleft())

    def _set(self, id_: UUID, outcome: Outcome) -> None:
        self._remember(id_, self._records[id_].model_copy(update={"outcome": outcome}))

    def _strip(self, id_: UUID) -> None:
        record = self._records.get(id_)
        if record is not None and record.outcome is not None:
            reason = f"{record.outcome.reason[:LONGEST]} (which ones is no longer recorded)"
            self._set(id_, record.outcome.model_copy(update={"ended": (), "reason": reason}))

    def _remember(self, id_: UUID, record: _Record) -> None:
        self._records[id_] = record
        if self._notebook is not None:
            self._notebook.write_notes(Note(f"{_NOTE}{id_}", encode(record)))

    def _recall(self, name: str, value: bytes) -> None:
        try:
            id_, record = UUID(name.removeprefix(_NOTE)), decode(_Record, value)
        except (ValueError, MessageError):  # such a note is none of ours
            return
        self._records[id_] = record
        heapq.heappush(self._expiries, (record.expires_at, id_))
        if record.outcome is None:
            self._cut_short.add(id_)
        elif record.outcome.ended:
            self._with_lists.append(id_)

    def _forget_old(self, now: datetime) -> None:
        """Make room for one more, and keep nothing for longer than it can matter."""
        gone: list[UUID] = []
        while self._expiries and (
            len(self._expiries) >= self._most or self._expiries[0][0] < now - _KEPT_FOR
        ):
            gone.append(heapq.heappop(self._expiries)[1])
        for id_ in gone:
            del self._records[id_]
            self._cut_short.discard(id_)
        if gone and self._notebook is not None:
            self._notebook.remove_notes(f"{_NOTE}{id_}" for id_ in gone)
