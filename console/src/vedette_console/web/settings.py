"""What the console can be told, with its defaults."""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from vedette_transport import BrokerAddress, Settings, load_settings
from vedette_transport.settings import Address

NAME = "console.toml"
PORT = 8080
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (a wildcard is no place to go to)


class Listen(Address):
    """Where browsers reach the console."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=PORT, ge=1, le=65_535)

    @property
    def is_loopback(self) -> bool:
        """Tell whether nobody else can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class ConsoleSettings(Settings):
    """The console's settings. Relative paths start at the folder of the file that they stand in.

    `names` are those that browsers know it by. It speaks HTTPS as soon as it listens beyond loopback, or is
    given a certificate: with a `certificate` and `key` of yours, else with one that it makes itself.
    """

    folder: Path = Path("console")
    archive: Path
    identity: Path
    broker: BrokerAddress = BrokerAddress()
    listen: Listen = Listen()
    names: tuple[str, ...] = ()
    tls: bool = False
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    """The CA's folder, where it is on this machine: until when hosts are certified."""
    analyzer: Path | None = None
    """The analyzer's settings, where they are on this machine: the modes, and the lists in force."""
    list: Path | None = None
    """The list of the analyzer's to which admins may add rows at the console."""

    @field_validator("names")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name or len(name) > 253 or any(letter in name for letter in "/:@ "):  # noqa: PLR2004
                raise ValueError(f"{name!r} is no name of a server: give it without scheme and port")
        return tuple(name.lower() for name in names)

    @model_validator(mode="after")
    def _key_and_certificate(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self

    @property
    def speaks_tls(self) -> bool:
        """Tell whether it speaks HTTPS: beyond loopback it always does."""
        return self.tls or self.certificate is not None or not self.listen.is_loopback

    @property
    def address(self) -> str:
        """What a browser is given to reach the console."""
        host = self.names[0] if self.names else self.listen.host
        if self.listen.is_loopback or host in EVERYWHERE:
            host = "localhost" if host in EVERYWHERE else self.listen.host
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.speaks_tls else 'http'}://{shown}:{self.listen.port}"

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a settings file; raise `SettingsError` where that can't be."""
        found = load_settings(cls, path)
        names = ("folder", "archive", "identity", "certificate", "key", "ca", "analyzer", "list")
        files = {name: path.parent / file for name in names if (file := getattr(found, name)) is not None}
        return found.model_copy(update=files)
