"""What of a batch goes into the audit: what operators and programs did, each as one row."""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from uuid import UUID

from vedette_schemas import ANALYZER, Principal, name_of

from .chain import Entry
from .rows import Answer, ArchivedAct, Batch, OpenCommand, Undone

_COMMANDS = "SELECT c.id, c.audience, c.action FROM json_each(?) n CROSS JOIN commands c ON c.id = n.value"


def audited(
    connection: sqlite3.Connection,
    batch: Batch,
    acts: Collection[ArchivedAct],
    commands: Collection[UUID],
    answers: Collection[UUID],
) -> list[Entry]:
    """Return the rows about a batch that was stored; of it `acts`, `commands` and `answers` were new."""
    found = [*batch.audit, *map(_of_act, acts)]
    found += [_of_command(each) for each in batch.commands if each.id in commands]
    ended = [each for each in batch.answers if each.command_id in answers]
    if ended:
        names = json.dumps([str(each.command_id) for each in ended])
        known = {name: rest for name, *rest in connection.execute(_COMMANDS, (names,)).fetchall()}
        found += [_of_answer(each, *known[str(each.command_id)]) for each in ended]
    for undone in batch.undone:
        found += _of_undone(undone)
    return found


def _of_act(act: ArchivedAct) -> Entry:
    """Return the row about an act and its answer; the digest stands for the act as it was signed."""
    facts: dict[str, object] = {"act": str(act.id), "done": act.done, "token": digest_of(act.token)}
    about = act.id if act.command_id is None else act.command_id
    return Entry(act.at, act.issuer, f"act.{act.kind}", act.words, about=str(about), facts=facts)


def _of_command(command: OpenCommand) -> Entry:
    """Return the row about a command that was opened: it is sent at once, unless it waits for approval."""
    facts: dict[str, object] = {
        "order": digest_of(command.order.model_dump_json(exclude_none=True)),
        "waits": command.waits,
        "indicator": command.indicator,
    }
    return Entry(
        command.issued_at,
        command.ordered_by or str(ANALYZER),
        f"command.{command.order.action}",
        f"{command.order.action} {name_of(command.order)}{', once it is approved' if command.waits else ''}",
        host=_host(command.audience),
        about=str(command.id),
        facts=facts,
    )


def _of_answer(answer: Answer, audience: str, action: str) -> Entry:
    """Return the row about how a command ended, by whose word: the host's, or nobody's."""
    who = audience if answer.outcome is not None else str(ANALYZER)
    facts: dict[str, object] = {}
    if answer.outcome is not None:
        facts = {"outcome": [*answer.outcome.stream, answer.outcome.number]}
    return Entry(
        answer.at,
        who,
        f"ended.{answer.ending}",
        f"{action}: {answer.ending}",
        host=_host(audience),
        about=str(answer.command_id),
        facts=facts,
    )


def _of_undone(undone: Undone) -> Iterator[Entry]:
    """Yield the row about what a host's own console took back; who undid by an act has the act's row."""
    if undone.lifted:
        about = str(undone.command_id)
        yield Entry(undone.at, undone.by, "host.released", "released at the host's own console", about=about)


def _host(audience: str) -> str:
    return Principal.parse(audience).host


def digest_of(text: str) -> str:
    """Return what stands in a row for a signed act, or for an order."""
    return hashlib.sha256(text.encode()).hexdigest()
