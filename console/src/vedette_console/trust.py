"""`vedette ca`, `enrol`, `revoke` and `join`: who is trusted."""

import json
import logging
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.serialization import Encoding
from vedette_schemas import SettingsError
from vedette_transport.asking import NotReachedError, RefusedError, ask
from vedette_transport.settings import Address
from vedette_transport.tls import trusting

from .ca import SETTINGS, CaSettings, Entry, enrol, make_ca, open_register, published_ca, revoke
from .lines import count

_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=30)

Folder = Annotated[Path, typer.Option(envvar="VEDETTE_CA", help="The folder of the CA.")]
CA_FOLDER = Path("run/ca")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_OPERATORS = Path("~/.config/vedette/identity")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.add_typer(ca, name="ca")
    app.command("enrol")(_enrol)
    app.command("revoke")(_revoke)
    app.command()(join)


ca = typer.Typer(help="The CA: who is trusted at all.", no_args_is_help=True)


@ca.command()
def init(
    folder: Folder = CA_FOLDER,
    names: Annotated[
        list[str] | None, typer.Option("--name", help="A name or address of this server; may be repeated.")
    ] = None,
) -> None:
    """Make a CA: key, register and settings, in a folder of its own."""
    make_ca(folder, names or [])
    sys.stdout.write(
        f"made a CA in {folder}; back up {folder / 'ca.key'} and {folder / 'register.db'}\n"
        f"next: vedette ca serve --settings {folder / SETTINGS}\n"
    )
    if not names:
        sys.stdout.write(f"hosts other than this one need a name of it: add it to {folder / SETTINGS}\n")


@ca.command()
def serve(
    settings: Annotated[Path, typer.Option(metavar="FILE", help="Its settings, in TOML.")] = CA_FOLDER
    / SETTINGS,
) -> None:
    """Enrol, renew and revoke: the one process that holds the CA's key."""
    from .ca.serving import serve as until_ended  # noqa: PLC0415 (what it loads, no other command needs)

    logging.getLogger().setLevel(logging.INFO)
    until_ended(settings)


@ca.command()
def health(
    settings: Annotated[
        Path, typer.Option(metavar="FILE", help="The settings of 'vedette ca serve'.")
    ] = CA_FOLDER / SETTINGS,
) -> None:
    """Ask the CA that runs here whether it is well; leave with 1 and a line if it is not."""
    found = CaSettings.read(settings)
    here = Address(host="localhost", port=found.listen.port)
    public = published_ca(found.folder).public_bytes(Encoding.PEM).decode()
    try:
        said = ask(here, trusting(public), "/health").decode()
    except (NotReachedError, RefusedError) as error:
        sys.stdout.write(f"{error}\n")
        raise typer.Exit(1) from None
    sys.stdout.write(said)


@ca.command()
def show(
    folder: Folder = CA_FOLDER,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List who holds a certificate that has not ended, and for whom there is a token that nobody has used."""
    now = datetime.now(UTC)
    register = open_register(folder)
    try:
        found, tokens = register.entries(), register.open_tokens(now)
    finally:
        register.close()
    found = [entry for entry in found if entry.ends_at > now]
    if as_json:
        waiting = [{"token_for": each.name, "ends_at": each.expires_at.isoformat()} for each in tokens]
        sys.stdout.write(json.dumps([*map(_as_json, found), *waiting]) + "\n")
        return
    rows = [
        (entry.principal, f"{entry.ends_at:%Y-%m-%d}", _state(entry), f"{entry.serial:x}") for entry in found
    ]
    rows += [(each.name, f"{each.expires_at:%Y-%m-%d %H:%M}", "has not joined yet", "") for each in tokens]
    rows.insert(0, ("principal", "until", "state", "serial"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _enrol(
    name: Annotated[str, typer.Argument(metavar="HOST", help="A host's name, or operator@NAME.")],
    folder: Folder = CA_FOLDER,
    life: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long the token is good: 30m, 24h, 7d.")
    ] = "24h",
    server: Annotated[
        str, typer.Option(metavar="ADDRESS:PORT", help="Where the CA is reached, if not as its settings say.")
    ] = "",
    broker: Annotated[
        str, typer.Option(metavar="ADDRESS:PORT", help="Where the broker is, if not as the settings say.")
    ] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object, the token in it.")] = False,
) -> None:
    """Make a one-time token for a host or an operator: one line, to be copied there."""
    token = enrol(
        folder,
        name,
        _duration(life),
        datetime.now(UTC),
        ca=Address.parse(server) if server else None,
        broker=Address.parse(broker) if broker else None,
    )
    if as_json:
        told = {"token": token.write(), "name": token.name, "ends_at": token.expires_at.isoformat()}
        sys.stdout.write(json.dumps({**told, "ca": token.ca, "broker": token.broker}) + "\n")
    else:
        sys.stdout.write(token.write() + "\n")
        program = "vedette join" if token.is_operators else "vedette-sensor join"
        sys.stderr.write(
            f"good once, until {token.expires_at:%Y-%m-%d %H:%M} UTC; there, run: {program} TOKEN\n"
            f"it asks the CA at {token.ca}\n"
        )
    if Address.parse(token.ca).host in _HERE:
        sys.stderr.write(
            "only this machine reaches it there: for another give --server and --broker, or start the server"
            " with a name ('vedette up --name', 'names' in ca.toml)\n"
        )


def _revoke(
    name: Annotated[str, typer.Argument(metavar="HOST", help="A host's name, or operator@NAME.")],
    folder: Folder = CA_FOLDER,
) -> None:
    """Revoke what a host or an operator holds; they are trusted again once they are enrolled and join."""
    done = revoke(folder, name, datetime.now(UTC))
    sys.stdout.write(
        f"revoked {count(done.certificates, 'certificate')} of {' and '.join(map(str, done.principals))}"
        f" and {count(done.tokens, 'unused token')}\n"
        "the embedded broker drops them at once; Mosquitto refuses them once its listener starts again\n"
    )


def join(
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="What 'vedette enrol' printed; -: from stdin.")
    ],
    folder: Annotated[Path, typer.Option(help="Where your identity goes, below 'operator'.")] = _OPERATORS,
) -> None:
    """Join as an operator: make a key here, and have it certified."""
    from vedette_transport.joining import join as use  # noqa: PLC0415 (only this command needs it)

    done = use(sys.stdin.readline() if token == "-" else token, folder.expanduser(), operator=True)  # noqa: S105
    sys.stdout.write(
        f"joined as {done.principals[0]}, until {done.ends_at:%Y-%m-%d}: {done.folders[0]}\n"
        f"the broker is at {done.server.broker}\n"
    )


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text.strip())
    life = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    if not timedelta() < life <= _LONGEST:
        raise SettingsError(f"--for {text!r}: give minutes, hours or days, as in 30m, 24h, 7d; at most 30d")
    return life


def _state(entry: Entry) -> str:
    if entry.revoked_at is not None:
        return f"revoked {entry.revoked_at:%Y-%m-%d}"
    return f"replaced {entry.replaced_at:%Y-%m-%d}" if entry.replaced_at is not None else "good"


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "principal": entry.principal,
        "serial": f"{entry.serial:x}",
        "issued_at": entry.issued_at.isoformat(),
        "ends_at": entry.ends_at.isoformat(),
        "replaced_at": entry.replaced_at and entry.replaced_at.isoformat(),
        "revoked_at": entry.revoked_at and entry.revoked_at.isoformat(),
    }
