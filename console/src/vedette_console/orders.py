"""`vedette approve`, `undo`, `isolate` and `block`: what operators have done, and what came of it."""

import json
import re
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from vedette_indicators import named_target
from vedette_schemas import (
    MAX_TTL,
    ActAnswer,
    Approve,
    Block,
    BlockedHost,
    Direct,
    Isolate,
    SettingsError,
    TakeBack,
    digest,
)

from .acting import NOT_DONE, NotAnsweredError, Operator, OperatorSettings, operator, progress
from .deployment import read_host
from .lines import plain
from .results import Came, Result, result

if TYPE_CHECKING:
    from vedette_archive import ArchivedCommand, Reader

OUTCOME_SECONDS = 5.0
"""How long a host's answer is waited for."""

EXIT_CODES = (
    f"Waits up to {OUTCOME_SECONDS:.0f} s for the host's answer. Exit code 0: all is done; 1: something was"
    " refused, has failed or is not answered yet; 2: nobody could be asked."
)

_DURATION = re.compile(r"([0-9]{1,7})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

BEGINNING = 8
"""How much of an id names it."""

RUN = Path("run")

Folder = Annotated[Path, typer.Option(help="The folder of 'vedette up', or one with an operator.toml.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Commands, by the beginnings of their ids.")]
For = Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90s, 30m, 2h, 7d.")]
AsJson = Annotated[bool, typer.Option("--json", help="What came of each, as a JSON object a line.")]

Asked = tuple[Approve | TakeBack | Direct, str]
"""What is to be done, and on which host."""


def approve(ids: Ids, folder: Folder = RUN, *, as_json: AsJson = False) -> None:
    """Have commands carried out that wait for approval."""
    settings = OperatorSettings.of(folder)
    with open_archive(settings.archive) as reader:
        waiting = [command.id for command in reader.open_commands() if command.waits]
        commands = [_known(reader, _waiting(beginning, waiting, reader)) for beginning in ids]
    asked: list[Asked] = []
    for command in commands:
        host, what = host_of(command), digest(command.order)
        asked.append((Approve(command_id=command.id, host=host, order=what), host))
    _carry_out(asked, settings, folder, as_json=as_json)


def undo(ids: Ids, folder: Folder = RUN, *, as_json: AsJson = False) -> None:
    """Take back what was ordered: lift a block or an isolation, or withdraw what waits for approval."""
    settings = OperatorSettings.of(folder)
    with open_archive(settings.archive) as reader:
        names = [find(beginning, reader.command_ids(beginning.strip().lower())) for beginning in ids]
        commands = [_known(reader, name) for name in names]
    asked: list[Asked] = [(TakeBack(command_id=command.id), host_of(command)) for command in commands]
    _carry_out(asked, settings, folder, as_json=as_json)


def isolate(
    host: Annotated[str, typer.Argument(help="The host to cut off.")],
    folder: Folder = RUN,
    duration: For = "1h",
    *,
    as_json: AsJson = False,
) -> None:
    """Cut a host off from all but the broker, for some time. It is done in observe mode as well.

    It is your own word and needs no approval: only the host itself can refuse.
    """
    order = Isolate(ttl_seconds=seconds(duration), why="an operator has isolated this host")
    what = Direct(host=read_host(host), order=order)
    _carry_out([(what, host)], OperatorSettings.of(folder), folder, as_json=as_json)


def block(
    host: Annotated[str, typer.Argument(help="The host on which it is blocked.")],
    target: Annotated[str, typer.Argument(help="A URL, host, address, address:port or network.")],
    folder: Folder = RUN,
    duration: For = "24h",
    *,
    addresses: Annotated[
        bool, typer.Option(help="Of a host also its addresses, which others may share.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Block a page, a host or an address on one host, for some time. It is done in observe mode as well.

    It is your own word and needs no approval: only the host itself can refuse.
    """
    found = named_target(target)
    if isinstance(found, BlockedHost):
        found = found.model_copy(update={"addresses": addresses})
    if found is None:
        raise SettingsError(
            f"{plain(target, 80)!r} names no URL, host, address or network that can be blocked"
        )
    order = Block(target=found, ttl_seconds=seconds(duration), why="an operator has blocked this")
    what = Direct(host=read_host(host), order=order)
    _carry_out([(what, host)], OperatorSettings.of(folder), folder, as_json=as_json)


def seconds(text: str) -> int:
    """Read `90s`, `30m`, `2h` or `7d`; raise `SettingsError` on anything else."""
    found = _DURATION.fullmatch(text.strip())
    length = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 1 <= length <= MAX_TTL:
        raise SettingsError(
            f"--for {plain(text, 40)!r}: give 90s, 30m, 2h or 7d, at most {MAX_TTL // 86_400}d"
        )
    return length


def find(
    beginning: str, ids: Iterable[UUID], what: str = "command", listed_by: str = "vedette actions"
) -> UUID:
    """Return the id that begins so; raise `SettingsError` unless it is exactly one."""
    text = beginning.strip().lower()
    try:
        return UUID(text)
    except ValueError:
        pass
    found = sorted({str(name) for name in ids if text and str(name).startswith(text)})
    if not found:
        raise SettingsError(f"no such {what} begins with {plain(beginning, 40)!r}: '{listed_by}' lists them")
    if len(found) > 1:
        raise SettingsError(f"{text!r} is the beginning of several ids: {', '.join(found[:4])}")
    return UUID(found[0])


def _waiting(beginning: str, waiting: list[UUID], reader: "Reader") -> UUID:
    """Return the id that begins so, of what waits; else of any command: the analyzer says how that stands."""
    text = beginning.strip().lower()
    among = [name for name in waiting if text and str(name).startswith(text)]
    return find(text, among or reader.command_ids(text))


def _known(reader: "Reader", name: UUID) -> "ArchivedCommand":
    command = reader.command(name)
    if command is None:
        raise SettingsError(f"no such command as {name}: 'vedette actions' lists them")
    return command


def host_of(command: "ArchivedCommand") -> str:
    """Return the host that a command is for."""
    return command.audience.rpartition("@")[2]


def _carry_out(asked: Sequence[Asked], settings: OperatorSettings, folder: Path, *, as_json: bool) -> None:
    """Have all of it done and say what came of each: what fails with one is no reason to leave the others."""
    with operator(settings) as acting, progress():
        answers, problem = _ask(acting, asked)
        results = _results(acting, asked, answers)
    for (what, _), came in zip(asked, results, strict=False):
        if as_json:
            sys.stdout.write(json.dumps(came.as_json()) + "\n")
        else:
            _say(came, folder, can_be_ended=isinstance(what, Direct))
    sys.stdout.flush()
    if problem is not None:
        raise problem
    if any(came.came is not Came.DONE for came in results):
        raise typer.Exit(NOT_DONE)


def _ask(acting: Operator, asked: Sequence[Asked]) -> tuple[list[ActAnswer], NotAnsweredError | None]:
    """Act one after another until nobody answers any more."""
    answers: list[ActAnswer] = []
    for what, _ in asked:
        try:
            answers.append(acting.act(what))
        except NotAnsweredError as error:
            return answers, error
        except KeyboardInterrupt:
            words = "not waited for: 'vedette actions' tells whether something was done"
            return answers, NotAnsweredError(words)
    return answers, None


def _results(acting: Operator, asked: Sequence[Asked], answers: Sequence[ActAnswer]) -> list[Result]:
    deadline = time.monotonic() + OUTCOME_SECONDS
    found: list[Result] = []
    for (what, host), answer in zip(asked, answers, strict=False):
        alert = None
        if answer.done and answer.command_id is not None:
            try:
                alert = acting.final_alert(answer.command_id, deadline)
            except KeyboardInterrupt:  # what is ordered is ordered: say so, and wait no longer
                deadline = 0.0
        found.append(result(what, host, answer, alert))
    return found


def _say(came: Result, folder: Path, *, can_be_ended: bool) -> None:
    match came.came:
        case Came.DONE:
            sys.stdout.write(came.words + "\n")
            if can_be_ended:
                name = str(came.command_id)[:BEGINNING]
                sys.stdout.write(f"to end it sooner: vedette undo {name}{in_folder(folder)}\n")
        case Came.UNANSWERED:
            sys.stdout.write(came.words + "\n")
            sys.stderr.write(f"vedette: {came.host} has not answered yet: see vedette actions\n")
        case Came.REFUSED | Came.FAILED:
            sys.stderr.write(f"vedette: {came.words}\n")


def in_folder(folder: Path) -> str:
    """Return what names a folder in a command that is shown; nothing for the one that need not be named."""
    return "" if folder == RUN else f" --folder {shlex.quote(plain(str(folder), 1_000))}"


def open_archive(path: Path) -> "Reader":
    """Open the archive to read; raise a `VedetteError` where that can't be."""
    from vedette_archive import Reader  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    return Reader(path)
