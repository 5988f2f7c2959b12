"""What `vedette up` makes under its folder: a CA, settings, logs; and the programs it runs there."""

import getpass
import json
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from vedette_schemas import HOST_LABEL, SERVER, Mode, SettingsError
from vedette_transport import BrokerAddress
from vedette_transport.settings import Address

from .ca import SETTINGS, make_ca
from .overlay import NO_OVERLAY, Overlay, Table, merged
from .private import ours, write

PROGRAMS = {
    "ca": "vedette_console.ca",
    "broker": "vedette_broker",
    "analyzer": "vedette_analyzer",
    "sensor": "vedette_sensor",
    "enforcer": "vedette_enforcer",
    "session": "vedette_sensor.session",
    "console": "vedette_console.web",
    "notify": "vedette_analyzer.notifying",
}
"""What runs, each by its module."""

HOST_PROGRAMS = ("sensor", "enforcer", "session")

_SOCKETS = {"sensor": "sensor.sock", "enforcer": "enforcer.sock"}
"""In the folder where the programs run: the path of a socket has 107 bytes at most."""

_WRITTEN = (
    "# Written by 'vedette up' at each start: what is changed here does not last; --settings FILE does.\n"
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One host with its own server, in one folder; with `blocks` it may block and isolate.

    `names` are those that other hosts reach this one by; without any, nothing listens beyond loopback but the
    console, where `console` says so; without that there is none.
    `overlay` is laid over the settings that are written.
    """

    folder: Path
    host: str
    broker: BrokerAddress
    lists: tuple[Path, ...]
    ca_port: int
    names: tuple[str, ...] = ()
    mode: Mode = Mode.ENFORCE
    sources: str = "auto"
    own_broker: bool = True
    blocks: bool = True
    environment: Mapping[str, str] | None = None
    overlay: Overlay = NO_OVERLAY
    console: Address | None = None

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
        if not (self.folder / "ca" / "ca.key").exists():
            make_ca(self.folder / "ca", self.names)
        settings = {
            "ca": self._ca(),
            "broker": self._own_broker(),
            "analyzer": self._analyzer(),
            "sensor": self._host_program("sensor"),
            "enforcer": {
                **self._host_program("enforcer"),
                **({"ca": str(self.public / "ca.pem")} if self.broker.plain else {}),
                "block": self.blocks,
                "isolate": self.blocks,
            },
            "operator": {
                "archive": str(self.archive),
                "identity": str(self.identity("operator")),
                "broker": self._broker,
            },
            "session": {
                **{f"{name}_socket": socket for name, socket in _SOCKETS.items()},
                "window": self.sources,
                "clipboard": self.sources,
            },
        }
        if self.console is not None:
            settings["console"] = self._console(self.console)
        self.log("broker").parent.mkdir(exist_ok=True)
        for name, values in settings.items():
            text = toml(merged(values, self.overlay.tables.get(name, {})))
            write(self.settings_path(name), (_WRITTEN + text).encode(), 0o644)

    def _ca(self) -> Table:
        return {
            "names": self.names or ["localhost"],
            "listen": {"host": self._listens_at, "port": self.ca_port},
            "ca": f"{self.reached_at}:{self.ca_port}",
            "broker": f"{self.reached_at}:{self.broker.port}",
            "identities": {name: str(self.identity(name)) for name in ("analyzer", "broker", "console")},
        }

    def _own_broker(self) -> Table:
        listen = {"host": self._listens_at, "port": self.broker.port}
        if self.broker.plain:
            return {"plain": True, "listen": listen}
        return {
            "identity": str(self.identity("broker")),
            "crl": str(self.public / "crl.pem"),
            "listen": listen,
        }

    def _analyzer(self) -> Table:
        return {
            "lists": [str(Path.cwd() / path) for path in self.lists],
            "identity": str(self.identity("analyzer")),
            "crl": str(self.public / "crl.pem"),
            "archive": str(self.archive),
            "mode": str(self.mode),
            "broker": self._broker,
        }

    def _console(self, listen: Address) -> Table:
        return {
            "folder": str(self.console_folder),
            "archive": str(self.archive),
            "identity": str(self.identity("console")),
            "ca": str(self.folder.resolve() / "ca"),
            "analyzer": str(self.settings_path("analyzer")),
            "names": self.names,
            "listen": {"host": listen.host, "port": listen.port},
            "broker": self._broker,
        }

    def _host_program(self, name: str) -> Table:
        """Return what sensor and enforcer have in common."""
        who = {"host": self.host} if self.broker.plain else {"identity": str(self.identity(name))}
        return {
            **who,
            "socket": _SOCKETS[name],
            "spool": str(self.folder.resolve() / f"{name}-{self.host}-spool.db"),
            "broker": self._broker,
        }

    def identity(self, program: str) -> Path:
        """Return where a program, or the operator who runs us, has key and certificate."""
        return self.folder.resolve() / "identity" / program

    @property
    def console_folder(self) -> Path:
        """Where the console has its accounts."""
        return self.folder.resolve() / "console"

    @property
    def public(self) -> Path:
        """Where the CA puts what everybody may read."""
        return self.folder.resolve() / "ca" / "public"

    @property
    def reached_at(self) -> str:
        """The name that others reach this server by."""
        return self.names[0] if self.names else "localhost"

    @property
    def _listens_at(self) -> str:
        return "0.0.0.0" if self.names and not self.broker.plain else "127.0.0.1"  # noqa: S104 (asked for)

    @property
    def archive(self) -> Path:
        """Where the history is."""
        return self.folder.resolve() / "archive.db"

    @property
    def _broker(self) -> Table:
        address = {"host": self.broker.host, "port": self.broker.port}
        return {**address, "plain": True} if self.broker.plain else address

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

    def command(self, program: str, *words: str) -> list[str]:
        """Return the command line of a program; `-P`: nothing in its folder is taken for a module."""
        return [
            sys.executable,
            "-P",
            "-m",
            PROGRAMS[program],
            *words,
            "--settings",
            str(self.settings_path(program)),
        ]

    def log(self, program: str) -> Path:
        """Return where a program's log goes."""
        return self.folder / "log" / f"{program}.log"

    def settings_path(self, program: str) -> Path:
        """Return where a program's settings are."""
        folder = self.folder.resolve()
        return folder / "ca" / SETTINGS if program == "ca" else folder / f"{program}.toml"


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


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml(values: Table) -> str:
    """Write settings; a JSON string, number or array of strings is the same thing in TOML."""
    return "\n".join(_toml_lines(values)) + "\n"


def _toml_lines(values: Table, *path: str) -> Iterator[str]:
    """Yield a table's own values, then the tables in it."""
    for name, value in values.items():
        if not isinstance(value, Mapping):
            yield f"{_key(name)} = {_quoted(value)}"
    for name, value in values.items():
        if isinstance(value, Mapping):
            inner = (*path, name)
            yield from ("", f"[{'.'.join(map(_key, inner))}]")
            yield from _toml_lines(cast("Table", value), *inner)
