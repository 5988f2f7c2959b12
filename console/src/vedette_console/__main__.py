"""`vedette`: what operators use."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterable
from typing import NoReturn

import typer
from vedette_schemas import SettingsError, VedetteError
from vedette_transport import CANNOT_GO_ON

from . import trust
from .actions import actions
from .alerts import alerts
from .audit import audit
from .feeds import feeds
from .finding import export, search
from .history import archive
from .hosts import hosts
from .hunting import EXIT_CODES as HUNT_CODES
from .hunting import hunt
from .incidents import incidents
from .indicators_cli import indicators
from .lines import plain
from .notify import notify
from .orders import EXIT_CODES, approve, block, isolate, undo
from .reporting import report
from .selftest import EXIT_CODES as SELFTEST_CODES
from .selftest import selftest
from .starting import demo, up
from .suppressions import EXIT_CODES as SUPPRESSION_CODES
from .suppressions import suppress, suppressions
from .web.commands import console

_LONGEST = 2_000
"""Characters of a line that says what is wrong."""

app = typer.Typer(
    help="Vedette: watches the hosts of a LAN and acts on what it finds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(archive, name="archive")
app.add_typer(incidents, name="incidents")
app.add_typer(audit, name="audit")
app.add_typer(indicators, name="indicators")
app.add_typer(feeds, name="feeds")
app.add_typer(notify, name="notify")
app.add_typer(suppressions, name="suppressions")
app.add_typer(console, name="console")
trust.add_to(app)
app.command()(up)
app.command()(demo)
app.command()(actions)
app.command()(alerts)
app.command()(hosts)
app.command()(report)
app.command()(search)
app.command()(export)
app.command(epilog=SELFTEST_CODES)(selftest)
app.command(epilog=HUNT_CODES)(hunt)
app.command(epilog=SUPPRESSION_CODES)(suppress)
for command in (approve, undo, isolate, block):
    app.command(epilog=EXIT_CODES)(command)


@app.callback()
def _commands() -> None:
    """Vedette: watches the hosts of a LAN and acts on what it finds."""


def main() -> None:
    """Run the command that was asked for; leave with 2 and one line on an error."""
    logging.basicConfig(level=logging.WARNING, format="vedette: %(message)s", stream=sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal shows every sign
    try:
        try:
            _refuse_other_than_text(sys.argv[1:])
            app()
        finally:
            sys.stdout.flush()  # here, not when Python ends: the disk may be full, the reader gone
    except VedetteError as error:
        _leave(str(error))
    except BrokenPipeError:
        _drop_output()
        sys.exit(1)
    except OSError as error:  # a name that no system takes, a disk without room
        _drop_output()
        named = f"{plain(str(error.filename), 1_000)}: " if error.filename else ""
        _leave(f"{named}{error.strerror or error}")


def _refuse_other_than_text(words: Iterable[str]) -> None:
    for word in words:
        if any("\ud800" <= sign <= "\udfff" for sign in word):
            raise SettingsError(f"{plain(word, 80)!r} is not UTF-8: no command takes that")


def _drop_output() -> None:
    """Let what could not be written be forgotten: Python would try, and complain, once more."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(words: str) -> NoReturn:
    """Say what is wrong, in one line that harms no terminal, whatever is quoted in it."""
    sys.stderr.write(f"vedette: {plain(words, _LONGEST)}\n")
    sys.exit(CANNOT_GO_ON)


if __name__ == "__main__":
    main()
