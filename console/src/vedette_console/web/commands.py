"""`vedette console`: serves the web console, and keeps its accounts and tokens."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from vedette_schemas import SettingsError

from ..lines import count
from .roles import Role
from .scopes import Scope

if TYPE_CHECKING:
    from .accounts import Accounts
    from .settings import ConsoleSettings
    from .store import Store

# What serves pages is imported where it is needed: all other commands start without it.

console = typer.Typer(help="The web console: serve it, and say who may sign in.")
user = typer.Typer(help="Who may sign in at the console.", no_args_is_help=True)
token = typer.Typer(help="Tokens by which programs use the console's interface.", no_args_is_help=True)
console.add_typer(user, name="user")
console.add_typer(token, name="token")

Folder = Annotated[Path, typer.Option(help="The folder of 'vedette up', or one with a console.toml.")]
Name = Annotated[str, typer.Argument(help="The account's name: lower-case letters, digits, '.', '_', '-'.")]
RUN = Path("run")


@console.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    folder: Folder = RUN,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen, if not where the settings say.")
    ] = "",
) -> None:
    """Serve the console of a folder of 'vedette up', which does so itself; beyond loopback by HTTPS."""
    if context.invoked_subcommand is not None:
        return
    import logging  # noqa: PLC0415

    from vedette_transport.settings import Address  # noqa: PLC0415

    from .first import how_to_begin  # noqa: PLC0415
    from .serving import serve  # noqa: PLC0415
    from .settings import Listen  # noqa: PLC0415

    settings = _settings(folder)
    if listen:
        where = Address.parse(listen)
        settings = settings.model_copy(update={"listen": Listen(host=where.host, port=where.port)})
    logging.getLogger().setLevel(logging.INFO)
    with _accounts(folder) as accounts:
        sys.stdout.write(f"the console: {settings.address}{how_to_begin(accounts, sys.stdout)}\n")
        sys.stdout.flush()
    serve(settings)


@console.command("health")
def health(folder: Folder = RUN) -> None:
    """Ask the console that runs here whether it is well; leave with 1 and a line if it is not."""
    from .health import ask  # noqa: PLC0415

    well, words = ask(_settings(folder))
    sys.stdout.write(f"{words}\n")
    if not well:
        raise typer.Exit(1)


@user.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    folder: Folder = RUN,
) -> None:
    """Make an account, and print the password that is good for the first time."""
    from .accounts import ONCE_LASTS  # noqa: PLC0415

    with _accounts(folder) as accounts:
        password = accounts.add(name, role, datetime.now(UTC))
    sys.stdout.write(f"{password}\n")
    within = f"once with this password, within {ONCE_LASTS.days} days, and then chooses another"
    sys.stderr.write(f"{name} may sign in as {role}, {within}\n")


@user.command("password")
def password(name: Name, folder: Folder = RUN) -> None:
    """Print a password with which an account may sign in once, for 7 days; its sessions and its lock end."""
    with _accounts(folder) as accounts:
        sys.stdout.write(f"{accounts.reset(name, datetime.now(UTC))}\n")


@user.command("role")
def role(name: Name, role: Annotated[Role, typer.Argument()], folder: Folder = RUN) -> None:
    """Give an account another role, from its next click on."""
    with _accounts(folder) as accounts:
        accounts.give(name, role)


@user.command("remove")
def remove(name: Name, folder: Folder = RUN) -> None:
    """Remove an account; who is signed in with it no longer is."""
    with _accounts(folder) as accounts:
        accounts.remove(name)


@user.command("list")
def list_accounts(
    folder: Folder = RUN,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List the accounts."""
    with _accounts(folder) as accounts:
        found = accounts.everyone()
    if as_json:
        rows = [
            {
                "name": each.name,
                "role": each.role,
                "one_time_password_until": each.once and each.once.isoformat(),
                "made_at": each.made_at.isoformat(),
                "signed_in_at": each.signed_in_at and each.signed_in_at.isoformat(),
            }
            for each in found
        ]
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    for each in found:
        last = f"signed in {each.signed_in_at:%Y-%m-%d %H:%M} UTC" if each.signed_in_at else "never signed in"
        once = f", has a one-time password until {each.once:%Y-%m-%d %H:%M} UTC" if each.once else ""
        sys.stdout.write(f"{each.name:<32}  {each.role:<9}  {last}{once}\n")


@token.command("add")
def add_token(
    name: Annotated[
        str, typer.Argument(help="What it is called: lower-case letters, digits, '.', '_', '-'.")
    ],
    scopes: Annotated[list[Scope] | None, typer.Option("--scope", help="What it is good for.")] = None,
    days: Annotated[int, typer.Option(help="After how many days it ends.")] = 90,
    folder: Folder = RUN,
) -> None:
    """Make a token and print it: it is shown this once."""
    from .tokens import Tokens  # noqa: PLC0415

    with _store(folder) as store:
        secret = Tokens(store).add(name, scopes or [Scope.READ], days, "the command line", datetime.now(UTC))
    sys.stdout.write(f"{secret}\n")
    sys.stderr.write(f"good for {count(days, 'day')}; send it as: Authorization: Bearer …\n")


@token.command("list")
def list_tokens(
    folder: Folder = RUN,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List the tokens, without their secrets."""
    from .tokens import Tokens  # noqa: PLC0415

    with _store(folder) as store:
        found = Tokens(store).everyone()
    if as_json:
        rows = [
            {
                "name": each.name,
                "scopes": sorted(each.scopes),
                "made_by": each.made_by,
                "made_at": each.made_at.isoformat(),
                "expires_at": each.expires_at.isoformat(),
                "used_at": each.used_at and each.used_at.isoformat(),
            }
            for each in found
        ]
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    for each in found:
        used = f"used {each.used_at:%Y-%m-%d %H:%M} UTC" if each.used_at else "never used"
        scopes = ", ".join(sorted(each.scopes))
        sys.stdout.write(f"{each.name:<24}  {scopes:<10}  until {each.expires_at:%Y-%m-%d}  {used}\n")


@token.command("remove")
def remove_token(name: str, folder: Folder = RUN) -> None:
    """Remove a token: it is good for nothing any more."""
    from .tokens import Tokens  # noqa: PLC0415

    with _store(folder) as store:
        Tokens(store).remove(name)


@contextmanager
def _store(folder: Path) -> "Generator[Store]":
    from .store import Store  # noqa: PLC0415

    store = Store(_settings(folder).folder)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _accounts(folder: Path) -> "Generator[Accounts]":
    from .accounts import Accounts  # noqa: PLC0415

    with _store(folder) as store:
        yield Accounts(store)


def _settings(folder: Path) -> "ConsoleSettings":
    from .settings import NAME, ConsoleSettings  # noqa: PLC0415

    path = folder / NAME
    if not path.exists():
        raise SettingsError(f"{path} is not there: name the folder of 'vedette up' with --folder")
    return ConsoleSettings.of(path)
