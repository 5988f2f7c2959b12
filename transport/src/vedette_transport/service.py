"""`vedette-… service install|uninstall|status`: a host's program as a service of its system."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vedette_schemas import SettingsError, VedetteError

from . import systemd
from .entry import CANNOT_GO_ON
from .units import SETTINGS, Unit

_STATE, _RUNTIME = Path("/var/lib/vedette"), Path("/run/vedette")
_NOT_RUNNING = 1
_SETTLED_SECONDS = 2.0
"""A program whose settings can't be used has ended by then."""


@dataclass(frozen=True, slots=True)
class Service:
    """A program, and what belongs to it on a host.

    `settings` are its first ones. `check` raises `SettingsError` where a settings file can't be used.
    `keeps` are patterns of what it keeps in its folder, `files` what else is its own beside its settings.
    `before_removal` are arguments to call it with before it goes, where it keeps anything.
    """

    unit: Unit
    settings: str
    check: Callable[[Path], object]
    keeps: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    before_removal: tuple[str, ...] = ()


def main(service: Service, arguments: Sequence[str]) -> None:
    """Do what the arguments say; leave with 2 and one line on an error, with 1 where it does not run."""
    options = _parser(service).parse_args(arguments)
    try:
        sys.exit(options.do(service, options))
    except OSError as error:
        _fail(service, f"{error.filename}: {error.strerror}")
    except VedetteError as error:
        _fail(service, str(error))


def _fail(service: Service, why: str) -> None:
    sys.stderr.write(f"{service.unit.name}: {why}\n")
    sys.exit(CANNOT_GO_ON)


def _parser(service: Service) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{service.unit.name} service", description=service.unit.description
    )
    commands = parser.add_subparsers(required=True, metavar="install|uninstall|status")
    install = commands.add_parser("install", help="write unit and settings, enable it and start it")
    install.add_argument("--dry-run", action="store_true", help="only say what would be done")
    install.add_argument(
        "--settings-only", action="store_true", help="no unit: for a host where something else starts it"
    )
    install.set_defaults(do=_install)
    uninstall = commands.add_parser("uninstall", help="stop it and take the unit away")
    uninstall.add_argument("--dry-run", action="store_true", help="only say what would be done")
    uninstall.add_argument("--purge", action="store_true", help="its settings and what it keeps, too")
    uninstall.set_defaults(do=_uninstall)
    status = commands.add_parser("status", help="say whether it runs, since when, and what it last said")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.set_defaults(do=_status)
    return parser


def _install(service: Service, options: argparse.Namespace) -> int:
    unit = service.unit
    settings = "" if unit.settings.exists() else service.settings
    enable = ("--global", "enable", unit.file) if unit.of_users else ("enable", unit.file)
    if options.dry_run:
        _say(f"# {unit.path}\n{unit.text()}")
        _say(f"# {unit.settings}\n{settings or '# is there already, and stays'}")
        _say(f"# systemctl daemon-reload; systemctl {' '.join(enable)}")
        _say("" if unit.of_users else f"# systemctl restart {unit.file}")
        return _try_settings(service, settings)
    _require_root("install")
    if not options.settings_only:
        systemd.require()
    SETTINGS.mkdir(mode=0o755, parents=True, exist_ok=True)
    _set_up(service, settings)
    if options.settings_only:
        _say(
            f"{unit.name}: to be started {'for each user' if unit.of_users else 'as root'} by: {unit.command}"
        )
        return 0
    unit.path.parent.mkdir(parents=True, exist_ok=True)
    _write(unit.path, unit.text())
    systemd.tell("daemon-reload")
    systemd.tell(*enable)
    if unit.of_users:
        _say(
            f"{unit.name}: starts with each user's next graphical session;"
            f" for one who is signed in, as that user: systemctl --user start {unit.name}"
        )
        return 0
    systemd.tell("restart", unit.file)
    time.sleep(_SETTLED_SECONDS)
    found = systemd.standing(unit.file)
    if not found.running:
        raise SettingsError(f"does not run: {found.last_said or found.trouble}")
    _say(found.in_words())
    return 0


def _try_settings(service: Service, first: str) -> int:
    """Say whether it would run with its settings; raise `SettingsError` where it would not."""
    if not first:
        service.check(service.unit.settings)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / service.unit.settings.name
        path.write_text(first)
        service.check(path)
    return 0


def _set_up(service: Service, first: str) -> None:
    """Write the first settings, or keep those that are there; raise `SettingsError` if they can't be used."""
    path = service.unit.settings
    if first:
        _write(path, first)
    else:
        _say(f"{path} is there already, and stays as it is")
    try:
        service.check(path)
    except SettingsError:
        if first:
            path.unlink()
            _remove_if_empty(path.parent)
        raise


def _uninstall(service: Service, options: argparse.Namespace) -> int:
    unit = service.unit
    if options.dry_run:
        scope = "--global disable" if unit.of_users else "disable --now"
        _say(f"# systemctl {scope} {unit.file}")
        _say(f"# {' '.join(_called(service))}" if service.before_removal else "")
        _say(f"# remove {unit.path}")
        _say("\n".join(f"# {'remove' if options.purge else 'keep'} {path}" for path in _owned(service)))
        return 0
    _require_root("uninstall")
    systemd.require()
    systemd.attempt(*(("--global", "disable") if unit.of_users else ("disable", "--now")), unit.file)
    if service.before_removal and unit.settings.exists() and any(_kept(service)):
        _call_before_removal(service)
    unit.path.unlink(missing_ok=True)
    shutil.rmtree(unit.path.with_name(f"{unit.file}.d"), ignore_errors=True)
    systemd.tell("daemon-reload")
    systemd.attempt("reset-failed", unit.file)
    owned = _owned(service)
    if owned and (options.purge or _agrees(owned)):
        for path in owned:
            _remove(path)
        owned = []
    _forget_the_server()
    for folder in (_RUNTIME, _STATE, SETTINGS):
        _remove_if_empty(folder)
    _say(f"{unit.name}: removed" + (f"; kept: {', '.join(map(str, owned))}" if owned else ""))
    return 0


def _status(service: Service, options: argparse.Namespace) -> int:
    unit = service.unit
    systemd.require()
    if unit.of_users and _is_root():
        there = unit.path.exists()
        words = "starts with each user's graphical session" if there else "not installed"
        _say(
            json.dumps({"service": unit.name, "installed": there})
            if options.json
            else f"{unit.name}: {words}"
        )
        return 0 if there else _NOT_RUNNING
    found = systemd.standing(unit.file, of_user=unit.of_users)
    _say(found.as_json() if options.json else found.in_words())
    return 0 if found.running else _NOT_RUNNING


def _owned(service: Service) -> list[Path]:
    """Return what is there of a service's own: settings, and what it keeps."""
    files = [service.unit.settings, *(SETTINGS / name for name in service.files)]
    return [*(path for path in files if path.exists()), *_kept(service)]


def _kept(service: Service) -> list[Path]:
    return [path for pattern in service.keeps for path in sorted(_STATE.glob(pattern))]


def _agrees(owned: list[Path]) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"remove {', '.join(map(str, owned))}, too? [y/N] ").strip().lower() in {"y", "yes"}


def _called(service: Service) -> list[str]:
    unit = service.unit
    return [
        sys.executable,
        "-P",
        "-m",
        unit.module,
        *service.before_removal,
        "--settings",
        str(unit.settings),
    ]


def _call_before_removal(service: Service) -> None:
    done = subprocess.run(_called(service), capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise SettingsError(
            f"{' '.join(service.before_removal)}: {said[-1]}; it is stopped, nothing was removed"
        )


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _require_root(what: str) -> None:
    if not _is_root():
        raise SettingsError(f"service {what} has to be run as root; with --dry-run it says what it would do")


def _write(path: Path, text: str) -> None:
    """Write a file for all to read, whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.chmod(0o644)
    new.replace(path)


def _forget_the_server() -> None:
    """Remove what joining left, once no program has an identity any more."""
    identities = _STATE / "identity"
    if not any(path.is_dir() for path in identities.glob("*")):
        (identities / "server.toml").unlink(missing_ok=True)
    _remove_if_empty(identities)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _say(text: str) -> None:
    if text:
        sys.stdout.write(text.rstrip("\n") + "\n")
