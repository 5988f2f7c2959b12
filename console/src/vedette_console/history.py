"""`vedette archive`: what operators do with the archive."""

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .lines import count, plain
from .person import person
from .private import tidying_up

LARGE = 50 * 2**20
"""Bytes of an archive that takes some seconds to read."""

archive = typer.Typer(help="The archive of what was seen, found and done.", no_args_is_help=True)


@archive.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(help="An archive, or a folder that holds one.", show_default=False)
    ] = None,
    folder: Annotated[Path, typer.Option(help="The folder of 'vedette up'.")] = Path("run"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Verify the archive: the file itself, and that its books agree. Leave with 1 where something is wrong.

    It may be in use meanwhile.
    """
    # SQLAlchemy alone takes as long as all else here.
    from vedette_archive import Reader, check  # noqa: PLC0415

    path = _archive_in(path or folder)
    with _progress(path, "checking") as progress:
        wrong = check(path, progress)
    if as_json:
        result: dict[str, object] = {"path": str(path), "wrong": wrong}
        if not wrong:
            with Reader(path) as reader:
                result["counts"] = reader.counts()._asdict()
        sys.stdout.write(json.dumps(result) + "\n")
    elif wrong:
        sys.stdout.writelines(plain(line, most=2_000) + "\n" for line in wrong)
    else:
        with Reader(path) as reader:
            sys.stdout.write(_summary(reader.counts()._asdict()) + "\n")
    if wrong:
        raise typer.Exit(1)


@archive.command()
def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the copy goes; a backup there is replaced.")
    ],
    folder: Annotated[Path, typer.Option(help="The folder of 'vedette up', or an archive.")] = Path("run"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Copy the archive into one file, which nobody else may read, while it is in use; verify the copy.

    It is whole, as of one moment, or not there. It holds what people copied and read: keep it accordingly.
    The archive's audit says who made it.
    """
    from vedette_archive import back_up  # noqa: PLC0415

    path = _archive_in(folder)
    with tidying_up(), _progress(path, "backing up") as progress:
        back_up(path, file, progress)
    _put_down(path, "archive.copied", f"into {file.absolute()}")
    size = file.stat().st_size
    if as_json:
        sys.stdout.write(json.dumps({"path": str(file), "bytes": size, "verified": True}) + "\n")
    else:
        sys.stdout.write(f"{plain(str(file), 1_000)}: {size / 1e6:,.1f} MB, verified\n")


@archive.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    folder: Annotated[Path, typer.Option(help="The folder of 'vedette up', or an archive.")] = Path("run"),
) -> None:
    """Put a backup in the place of the archive, with the analyzer stopped; the former one is moved aside.

    Upon its next start the analyzer says in one alert what was lost.
    """
    from vedette_archive import restore  # noqa: PLC0415

    path = _archive_in(folder)
    with _progress(file, "restoring") as progress:
        aside = restore(file, path, progress, by=person())
    former = "" if aside is None else f"; the former one is {plain(str(aside), 1_000)}"
    sys.stdout.write(f"{plain(str(path), 1_000)}: restored{former}\n")


def _put_down(path: Path, what: str, words: str) -> None:
    """Put into the archive's audit what was done with it, if that can be: whoever only reads it may do so."""
    from vedette_archive import ArchiveError, Batch, Entry, Writer  # noqa: PLC0415

    try:
        with Writer(path) as writer:
            writer.store(Batch(audit=(Entry(datetime.now(UTC), person(), what, words),)))
    except ArchiveError as error:
        sys.stderr.write(f"vedette: the audit does not say so: {plain(str(error), 1_000)}\n")


def _archive_in(path: Path) -> Path:
    """Return the archive that a folder holds, or the one that is named."""
    is_folder = path.is_dir() or not (path.suffix or path.is_file())
    return path / "archive.db" if is_folder else path


@contextmanager
def _progress(path: Path, what: str) -> Generator[Callable[[float], None]]:
    """Show how far it is, on a terminal, where it takes long."""
    screen = Console(stderr=True)
    shown = screen.is_terminal and path.exists() and path.stat().st_size >= LARGE
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True, disable=not shown) as bar:
        task = bar.add_task("")
        yield lambda share: bar.update(task, completed=100 * share)


def _summary(counts: dict[str, int]) -> str:
    held = counts["archived"] - counts["expired"] - counts["unreadable"]
    gone = counts["missing"] + counts["dropped"] + counts["lost"]
    how = "sound, but not complete" if gone else "all is well"
    return (
        f"{how}: {count(held, 'observation')} of {count(counts['streams'], 'stream')},"
        f" {count(counts['alerts'], 'alert')}, {count(counts['commands'], 'command')}"
        f" ({counts['open_commands']:,} open), {count(counts['unreadable'], 'unreadable item')};"
        f" expired {counts['expired']:,}, dropped by their senders {counts['dropped']:,},"
        f" missing {counts['missing']:,}, lost with a former archive {counts['lost']:,}"
    )
