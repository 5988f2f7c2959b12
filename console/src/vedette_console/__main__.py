"""`vedette`: what operators use."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from vedette_schemas import Mode, SettingsError, VedetteError
from vedette_transport import CANNOT_GO_ON, BrokerAddress
from vedette_transport.settings import Address

from . import trust
from .actions import actions
from .alerts import alerts
from .audit import audit
from .deployment import Deployment, free_port, host_label, read_host
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
from .overlay import NO_OVERLAY, read_overlay
from .reporting import report
from .selftest import EXIT_CODES as SELFTEST_CODES
from .selftest import selftest
from .suppressions import EXIT_CODES as SUPPRESSION_CODES
from .suppressions import suppress, suppressions
from .up import Up
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


@app.command()
def up(
    folder: Annotated[Path, typer.Option(help="Where keys, settings and logs go.")] = Path("run"),
    lists: Annotated[
        list[Path] | None, typer.Option("--list", help="A list of indicators; may be repeated.")
    ] = None,
    host: Annotated[str, typer.Option(help="This host's name: letters, digits, hyphens.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The embedded broker's port.")] = 8883,
    broker: Annotated[
        str, typer.Option(help="HOST:PORT of a broker to use in place of the embedded one.")
    ] = "",
    mode: Annotated[Mode, typer.Option(help="What verdicts lead to.")] = Mode.ENFORCE,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TOML laid over theirs: tables analyzer, sensor, enforcer, session, broker."
        ),
    ] = None,
    *,
    ca_port: Annotated[int, typer.Option(min=1, max=65535, help="The CA's port.")] = 8884,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            help="A name or address that other hosts reach this one by; may be repeated. With one,"
            " broker and CA listen beyond loopback.",
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Without TLS: on loopback only, or to a broker that has none.")
    ] = False,
    console: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="Where browsers reach the console: HTTPS beyond loopback; 'off': nowhere.",
        ),
    ] = "127.0.0.1:8080",
    portable: Annotated[
        bool, typer.Option(help="Poll windows and clipboard instead of waiting for events.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Alerts as JSON lines.")] = False,
) -> None:
    """Run broker, analyzer and this host's programs; print each alert as it comes."""
    deployment = Deployment(
        folder=folder,
        host=read_host(host) if host else host_label(),
        broker=BrokerAddress.parse(broker or f"127.0.0.1:{port}", plain=plain),
        ca_port=ca_port,
        names=tuple(names or ()),
        lists=tuple(lists or [Path("data/blocklist.csv")]),
        mode=mode,
        own_broker=not broker,
        sources="portable" if portable else "auto",
        overlay=read_overlay(settings) if settings else NO_OVERLAY,
        console=None if console == "off" else Address.parse(console),
    )
    Up(deployment, as_json=as_json).run()


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the screenshot goes.")] = Path("run"),
    lists: Annotated[
        list[Path] | None, typer.Option("--list", help="A list of indicators; may be repeated.")
    ] = None,
    broker: Annotated[
        str, typer.Option(help="HOST:PORT of a broker to use in place of the embedded one.")
    ] = "",
    *,
    plain: Annotated[bool, typer.Option("--plain", help="Without TLS, to a broker that has none.")] = False,
    portable: Annotated[
        bool, typer.Option(help="Poll windows and clipboard instead of waiting for events.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Alerts as JSON lines.")] = False,
) -> None:
    """Show the main job on a desktop of its own: browser, clipboard, a program that is ended."""
    deployment = Deployment(
        folder=folder / "demo",
        host="demo",
        broker=BrokerAddress.parse(broker or f"127.0.0.1:{free_port()}", plain=plain),
        ca_port=free_port(),
        lists=tuple(lists or [Path("data/blocklist.csv")]),
        sources="portable" if portable else "auto",
        own_broker=not broker,
    )
    from .demo import Demo  # noqa: PLC0415 (what it needs is not there where hosts are served)

    if not Demo(deployment, folder / "demo.png", as_json=as_json).run():
        raise typer.Exit(130)


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
