"""`vedette notify`: what each route does, and a test message."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from vedette_schemas import SettingsError

from .deployment import PROGRAMS

Folder = Annotated[Path, typer.Option(help="The folder of 'vedette up'; notify.toml lies there.")]
File = Annotated[
    Path | None, typer.Option("--settings", metavar="FILE", help="notify.toml, where it lies elsewhere.")
]

notify = typer.Typer(help="Telling people, by e-mail, syslog and other services.", no_args_is_help=True)


@notify.command()
def check(
    folder: Folder = Path("run"),
    settings: File = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object, by route.")] = False,
) -> None:
    """Say what each route does, what may be seen on it, what waits, and what fails."""
    _call(settings or folder / "notify.toml", "check", *(["--json"] if as_json else []))


@notify.command("test")
def send_test(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route, as notify.toml names it.")],
    folder: Folder = Path("run"),
    settings: File = None,
) -> None:
    """Send a test message on a route, at once. Leave with 1 where it does not arrive."""
    _call(settings or folder / "notify.toml", "test", route)


def _call(settings: Path, *words: str) -> None:
    """Have the notifier do it, which is a program of its own; leave as it does."""
    module = PROGRAMS["notify"]
    if find_spec(module.partition(".")[0]) is None:
        raise SettingsError("vedette-analyzer is not installed here; ask where the analyzer runs")
    if not settings.exists():
        raise SettingsError(f"{settings}: is not there; docs/NOTIFYING.md tells what to write")
    command = [sys.executable, "-P", "-m", module, *words, "--settings", str(settings)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
