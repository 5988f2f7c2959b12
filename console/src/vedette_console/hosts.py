"""`vedette hosts`: which hosts there are, how each was last heard, and what should be looked at."""

import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import Mode, SettingsError

from .acting import OperatorSettings
from .actions import left
from .ca import Entry, open_register
from .host_rows import Row, Seen, rows
from .lines import plain
from .orders import RUN, Folder, open_archive

_LONGEST_NAME = 24
_WIDEST = 1_000


class Modes(BaseModel):
    """What the analyzer's settings say of modes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Mode = Mode.ENFORCE
    hosts: Mapping[str, "Modes"] = Field(default_factory=dict)


def hosts(
    folder: Folder = RUN,
    ca: Annotated[
        Path | None, typer.Option(envvar="VEDETTE_CA", help="The CA's folder, if not 'ca' in that folder.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """List the hosts that are enrolled or were heard. Also works while the analyzer is away."""
    settings = OperatorSettings.of(folder)
    now = datetime.now(UTC)
    with open_archive(settings.archive) as reader:
        seen = Seen.by(reader, now)
    entries = None if settings.broker.plain else _enrolled(ca, folder / "ca")
    modes = read_modes(folder / "analyzer.toml")
    found = rows(seen, entries, now)
    notes = list(_notes(found, seen, now, knows_ca=entries is not None, is_plain=settings.broker.plain))
    if as_json:
        told = {"hosts": [_as_json(row, modes, now) for row in found], "notes": notes}
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.writelines(f"{note}\n" for note in notes)
    sys.stdout.flush()
    if found:
        _show(found, modes, now)


def _enrolled(named: Path | None, beside: Path) -> list[Entry] | None:
    """Return what the CA has issued; `None` where it is not on this machine."""
    folder = named or beside
    if named is None and not (folder / "register.db").exists():
        return None
    register = open_register(folder)
    try:
        return register.entries()
    finally:
        register.close()


def read_modes(path: Path) -> Modes | None:
    """Return the server's modes; `None` where its settings are not here."""
    if not path.exists():
        return None
    try:
        return Modes.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except (ValidationError, ValueError):
        raise SettingsError(f"{path}: not TOML, or its modes are none") from None


def _notes(
    found: Iterable[Row], seen: Seen, now: datetime, *, knows_ca: bool, is_plain: bool
) -> Iterable[str]:
    if not found:
        yield "no host is enrolled, and none was heard"
    if seen.is_stale(now):
        silence = left(now - seen.newest)
        yield f"no host was heard for {silence}: do analyzer and broker run? Below is how it was"
    if not knows_ca and not is_plain:
        yield "no CA is here: what it has enrolled and revoked is not shown (--ca says where)"


def mode_of(row: Row, modes: Modes | None) -> tuple[Mode | None, bool]:
    """Return the lower of the server's mode and what the host itself allows, and whether the host is why."""
    server = None if modes is None else modes.hosts.get(row.host, modes).mode
    order = (Mode.OBSERVE, Mode.APPROVE, Mode.ENFORCE)
    known = [mode for mode in (server, row.ceiling) if mode is not None]
    lowest = min(known, key=order.index, default=None)
    return lowest, lowest is not None and lowest != server


def _show(found: Sequence[Row], modes: Modes | None, now: datetime) -> None:
    screen = Console(highlight=False, soft_wrap=False)
    table = _table(found, modes, now)
    if screen.measure(table, options=screen.options.update(width=_WIDEST)).minimum > screen.width:
        table = _table(found, modes, now, certificates=False)  # a mark tells where one ends soon
    screen.print(table)
    for row in found:
        for mark in row.marks:
            screen.print(Text(f"! {row.host}: {mark}", "yellow", overflow="fold"))


def _table(found: Sequence[Row], modes: Modes | None, now: datetime, *, certificates: bool = True) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    longest = max(len("host"), *(len(row.host) for row in found))
    table.add_column("host", overflow="fold", width=min(longest, _LONGEST_NAME))
    for name in ("heard", "version", "mode", "spool", "lost"):
        is_number = name in ("spool", "lost")
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_number or name == "heard")
    if certificates:
        table.add_column("certificate", no_wrap=True)
    for row in found:
        mode, is_hosts = mode_of(row, modes)
        cells: list[str | Text] = [
            Text(row.host, "bold red" if row.marks else "bold"),
            "never" if row.heard_at is None else f"{left(now - row.heard_at)} ago",
            plain(" ".join(row.versions), 20) or "-",
            f"{mode or '-'}{' (host)' if is_hosts else ''}",
            "-" if row.held is None else f"{row.held:,}",
            f"{sum(row.lost.values()):,}",
            "-" if row.ends_at is None else f"{row.ends_at:%Y-%m-%d}",
        ]
        table.add_row(*cells[: len(table.columns)])
    return table


def _as_json(row: Row, modes: Modes | None, now: datetime) -> dict[str, object]:
    mode, _ = mode_of(row, modes)
    return {
        "host": row.host,
        "enrolled": row.ends_at is not None,
        "revoked": row.is_revoked,
        "heard_at": row.heard_at and row.heard_at.isoformat(),
        "seconds": row.heard_at and round((now - row.heard_at).total_seconds(), 1),
        "versions": row.versions,
        "mode": mode,
        "ceiling": row.ceiling,
        "spool": row.held,
        "lost": row.lost,
        "losing": row.is_losing,
        "certificate_ends_at": row.ends_at and row.ends_at.isoformat(),
        "marks": row.marks,
        "facts": row.facts,
    }
