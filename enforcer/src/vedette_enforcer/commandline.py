"""`vedette-enforcer journal` and `release`: for who sits at the host, without broker, server or network."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vedette_schemas import Program, SettingsError, VedetteError
from vedette_transport import CANNOT_GO_ON, BrokerAddress, where_broker_is

from .journal import Entry, Journal
from .settings import read_settings
from .words import described, ending

if sys.platform != "linux":
    raise ImportError("not built for this system yet")

from .acts import all_parts, locked
from .blocks import Blocks
from .clock import system_clock
from .lookout import Lookout
from .never_touch_file import NeverTouch

_SETTINGS = Path("/etc/vedette/enforcer.toml")
_NOT_ALL = 1
_FOR_THE_BROKERS_NAME = 3.0


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; return the exit code: 1 where not all was done, 2 where none could be."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "journal":
            return _journal(_file(options), as_json=options.json)
        return _release(options)
    except VedetteError as error:
        sys.stderr.write(f"vedette-enforcer: {error}\n")
        return CANNOT_GO_ON


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    where = common.add_mutually_exclusive_group()
    where.add_argument("--settings", type=Path, default=_SETTINGS, metavar="FILE", help="the enforcer's")
    where.add_argument("--journal", type=Path, metavar="FILE", help="the journal itself, without settings")
    parser = argparse.ArgumentParser(prog="vedette-enforcer")
    commands = parser.add_subparsers(dest="command", required=True)
    journal = commands.add_parser("journal", parents=[common], help="list what is in force, why, until when")
    journal.add_argument("--json", action="store_true", help="a JSON object a line")
    release = commands.add_parser("release", parents=[common], help="take back what is in force")
    release.add_argument("ids", nargs="*", metavar="ID", help="as journal lists it; its beginning will do")
    release.add_argument("--all", action="store_true", help="all that is in force")
    return parser


def _file(options: argparse.Namespace) -> Path:
    return options.journal or read_settings(options.settings).journal_file


def _journal(path: Path, *, as_json: bool) -> int:
    if not path.exists():
        raise SettingsError(f"{path}: there is no such journal")
    journal = _open(path)
    try:
        live = journal.live()
    finally:
        journal.close()
    for entry in live:
        sys.stdout.write(f"{_as_json(entry) if as_json else _in_words(entry)}\n")
    if not live and not as_json:
        sys.stdout.write("nothing is in force\n")
    return 0


def _release(options: argparse.Namespace) -> int:
    if bool(options.ids) == options.all:
        raise SettingsError("say which to release: an ID or more, or --all")
    if os.geteuid() != 0:
        raise SettingsError("release has to be run as root: it changes rules, the hosts file and policies")
    path = _file(options)
    if not path.exists() and not options.all:
        raise SettingsError(f"{path}: there is no such journal")
    lookout = _lookout(options)
    journal = _open(path)
    try:
        live = journal.live()
        chosen = [entry for entry in live if options.all or _is_one_of(entry, options.ids)]
        missing = [id_ for id_ in options.ids if not any(_is_one_of(entry, [id_]) for entry in live)]
        if len(chosen) < len(live):
            lookout.wait(_FOR_THE_BROKERS_NAME)  # what stays in force must let the broker through
        blocks = Blocks(
            journal,
            all_parts(),
            around=lookout.around,
            never=NeverTouch,
            lock=lambda: locked(path),
            clock=system_clock,
        )
        problems = blocks.release(*(entry.id for entry in chosen))
    finally:
        journal.close()
    for entry in chosen:
        sys.stdout.write(f"released {described(entry.act)} ({entry.id})\n")
    if not chosen and options.all:
        sys.stdout.write("nothing was in force\n")
    for problem in [*(f"{id_}: nothing like it is in force" for id_ in missing), *problems.values()]:
        sys.stderr.write(f"vedette-enforcer: {problem}\n")
    return _NOT_ALL if missing or problems else 0


def _lookout(options: argparse.Namespace) -> Lookout:
    if options.journal is not None:
        return Lookout(BrokerAddress(), "")
    settings = read_settings(options.settings)
    return Lookout(where_broker_is(Program.ENFORCER, settings), settings.host or "")


def _open(path: Path) -> Journal:
    if not os.access(path if path.exists() else path.parent, os.R_OK | os.W_OK):
        raise SettingsError(f"{path}: can't be read by this user; root can")
    return Journal(path, system_clock)


def _is_one_of(entry: Entry, ids: Sequence[str]) -> bool:
    return any(str(entry.id).startswith(id_.lower()) for id_ in ids)


def _in_words(entry: Entry) -> str:
    why = f": {entry.act.why}" if entry.act.why else ""
    return f"{entry.id}  until {ending(entry)}  {described(entry.act)}{why}"


def _as_json(entry: Entry) -> str:
    told = {
        "id": str(entry.id),
        "state": str(entry.state),
        "since": entry.taken_at.isoformat(),
        "until": entry.expires_at.isoformat(),
        "order": entry.act.model_dump(mode="json"),
    }
    return json.dumps(told)
