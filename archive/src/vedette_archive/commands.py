"""Commands and acts as the archive has them: rows in, records out."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, select
from vedette_schemas import Order

from . import schema
from .rows import ArchivedAct, ArchivedCommand, Ending, OpenCommand, stored_alert
from .times import to_time

Question = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]
Ask = Callable[[Question], Sequence[AnyRow]]
_ORDER: TypeAdapter[Order] = TypeAdapter(Order)


def archived_command(row: AnyRow, ask: Ask) -> ArchivedCommand:
    """Return a command with how it ended."""
    command = open_command(row, ask)
    fields = {field.name: getattr(command, field.name) for field in dataclasses.fields(command)}
    commands = schema.commands.c
    lifting = select(commands.id).where(commands.undoes == row.id).where(commands.ending == Ending.DONE)
    return ArchivedCommand(
        **fields,
        ending=None if row.ending is None else Ending(row.ending),
        until=None if row.until is None else to_time(row.until),
        undone_by=row.undone_by,
        lifted=bool(row.lifted) or (row.undone_by is not None and bool(ask(lifting.limit(1)))),
    )


def open_command(row: AnyRow, ask: Ask) -> OpenCommand:
    """Return a command with the alerts that it settles."""
    alerts = schema.alerts.c
    settles = select(alerts.body).where(alerts.command_id == row.id).order_by(alerts.sequence)
    return OpenCommand(
        id=UUID(row.id),
        audience=row.audience,
        order=_ORDER.validate_json(row.body),
        issued_at=to_time(row.issued_at),
        expires_at=to_time(row.expires_at),
        act=row.act,
        waits=bool(row.waits),
        indicator=row.indicator,
        ordered_by=row.ordered_by,
        alerts=tuple(stored_alert(body) for (body,) in ask(settles)),
    )


def archived_act(row: AnyRow) -> ArchivedAct:
    """Return an act with its answer."""
    return ArchivedAct(
        id=UUID(row.id),
        issuer=row.issuer,
        at=to_time(row.at),
        kind=row.kind,
        done=bool(row.done),
        words=row.words,
        token=row.token,
        command_id=None if row.command_id is None else UUID(row.command_id),
    )
