"""What `vedette up` makes under its folder: keys, settings, logs; and the programs it runs there."""

import getpass
import json
import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from vedette_schemas import ANALYZER, HOST_LABEL, SERVER, Mode, Principal, Program, SettingsError
from vedette_transport import BrokerAddress

from .authority import Authority
from .private import ours, write

PROGRAMS = {
    "broker": "vedette_broker",
    "analyzer": "vedette_analyzer",
    "sensor": "vedette_sensor",
    "enforcer": "vedette_enforcer",
    "session": "vedette_sensor.session",
}
"""What runs, each by its module."""

HOST_PROGRAMS = ("sensor", "enforcer", "session")

_WRITTEN = "# Written by 'vedette up' at each start: what is changed here does not last.\n"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One host with its own server, in one folder; with `blocks` it may block and isolate."""

    folder: Path
    host: str
    broker: BrokerAddress
    lists: tuple[Path, ...]
    mode: Mode = Mode.ENFORCE
    sources: str = "auto"
    own_broker: bool = True
    blocks: bool = True
    environment: Mapping[str, str] | None = None

    def prepare(self) -> None:
        """Make keys and settings; raise `SettingsError` where the folder can't hold them."""
        try:
            self._prepare()
        except UnicodeEncodeError:
            raise SettingsError("a path is not UTF-8; choose another --folder or --list") from None
        except OSError as error:
            where = error.filename or self.folder
            raise SettingsError(
                f"{where}: can't be written: {error.strerror}; choose another --folder"
            ) from None

    def _prepare(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o755)
        ours(self.folder)
        authority = Authority(self.folder / "ca")
        key, certificate = authority.issue(ANALYZER, self.folder / "analyzer")
        operator = Principal(Program.OPERATOR, operator_label())
        operators = authority.issue(operator, self.folder / "operator")
        ca = str(authority.certificate_path.resolve())
        archive = str(self.folder.resolve() / "archive.db")
        broker = {"host": self.broker.host, "port": self.broker.port}
        sockets = {
            "sensor": "sensor.sock",
            "enforcer": "enforcer.sock",
        }  # short: such a path has 108 bytes at most
        spools = {name: str(self.folder.resolve() / f"{name}-{self.host}-spool.db") for name in sockets}
        settings: dict[str, Mapping[str, object]] = {
            "broker": {"plain": True, "listen": broker},
            "analyzer": {
                "lists": [str(Path.cwd() / path) for path in self.lists],
                "key": str(key.resolve()),
                "certificate": str(certificate.resolve()),
                "ca": ca,
                "archive": archive,
                "mode": str(self.mode),
                "broker": broker,
            },
            "sensor": {
                "host": self.host,
                "socket": sockets["sensor"],
                "spool": spools["sensor"],
                "broker": broker,
            },
            "enforcer": {
                "host": self.host,
                "socket": sockets["enforcer"],
                "spool": spools["enforcer"],
                "ca": ca,
                "block": self.blocks,
                "isolate": self.blocks,
                "broker": broker,
            },
            "operator": {
                "archive": archive,
                "key": str(operators[0].resolve()),
                "certificate": str(operators[1].resolve()),
                "broker": broker,
            },
            "session": {
                "sensor_socket": sockets["sensor"],
                "enforcer_socket": sockets["enforcer"],
                "window": self.sources,
                "clipboard": self.sources,
            },
        }
        self.log("broker").parent.mkdir(exist_ok=True)
        for name, values in settings.items():
            write(self._settings_path(name), (_WRITTEN + toml(values)).encode(), 0o644)

    def lock(self) -> int | None:
        """Take the folder for ourselves until we end; raise `SettingsError` if another runs there."""
        if sys.platform == "win32":
            return None
        import fcntl  # noqa: PLC0415 (not everywhere)

        path = self.folder / "lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"{path}: can't be made: {error.strerror}; choose another --folder") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            why = "another 'vedette up' runs there; stop it, or choose another --folder"
            raise SettingsError(f"{self.folder}: {why}") from None
        return descriptor

    def command(self, program: str) -> list[str]:
        """Return the command line of a program; `-P`: nothing in its folder is taken for a module."""
        return [
            sys.executable,
            "-P",
            "-m",
            PROGRAMS[program],
            "--settings",
            str(self._settings_path(program).resolve()),
        ]

    def log(self, program: str) -> Path:
        """Return where a program's log goes."""
        return self.folder / "log" / f"{program}.log"

    def _settings_path(self, program: str) -> Path:
        return self.folder / f"{program}.toml"


def address(text: str) -> BrokerAddress:
    """Read `HOST:PORT`; raise `SettingsError` on anything else."""
    host, _, port = text.rpartition(":")
    try:
        return BrokerAddress(host=host.strip("[]"), port=int(port))
    except ValueError:
        raise SettingsError(f"{text!r}: a broker is given as HOST:PORT, as in 127.0.0.1:1883") from None


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_host(text: str) -> str:
    """Return a host's name; raise `SettingsError` if it is no DNS label, or the server's own."""
    if re.fullmatch(HOST_LABEL, text) is None or text == SERVER:
        raise SettingsError(f"--host {text!r}: give lower-case letters, digits and hyphens, at most 63")
    return text


def host_label() -> str:
    """Return this machine's name as one DNS label; `host` where it has none."""
    name = socket.gethostname().split(".", maxsplit=1)[0].lower()
    label = re.sub(r"[^a-z0-9-]+", "-", name).strip("-")[:63].rstrip("-")
    return label if label and label != SERVER else "host"


def operator_label() -> str:
    """Return the name that we are signed in under, as one DNS label; `someone` where there is none."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:63].rstrip("-")
    return label or "someone"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml(values: Mapping[str, object]) -> str:
    """Write settings; a JSON string, number or array of strings is the same thing in TOML."""
    lines: list[str] = []
    for name, value in sorted(values.items(), key=lambda item: isinstance(item[1], dict)):
        if isinstance(value, dict):
            entries = cast("dict[str, object]", value)
            lines += ["", f"[{name}]", *(f"{key} = {_quoted(entry)}" for key, entry in entries.items())]
        else:
            lines.append(f"{name} = {_quoted(value)}")
    return "\n".join(lines) + "\n"
