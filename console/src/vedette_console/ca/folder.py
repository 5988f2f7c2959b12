"""The folder of a CA: its key, its register, its settings, and what everybody may read."""

import ipaddress
import json
import re
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, ValidationError, field_validator
from vedette_schemas import SettingsError
from vedette_transport import Settings, load_settings
from vedette_transport.settings import Address

from ..person import person
from ..private import ours, write
from .certificates import Authority
from .register import Register
from .register_file import NAME as REGISTER
from .register_file import make

CA_PORT, BROKER_PORT = 8884, 8883
SETTINGS = "ca.toml"
_NAME = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Identities(Settings):
    """Where the server's own programs find their identities: a folder each, kept current by the CA."""

    analyzer: Path | None = None
    broker: Path | None = None
    console: Path | None = None
    health: Path | None = None


class CaSettings(Settings):
    """Everything that the CA can be told. Relative paths start at the folder of this file.

    `names` are those that hosts reach the server by; the first is what tokens say, where `ca` and `broker`
    (HOST:PORT) say nothing else.
    """

    folder: Path = Path()
    names: tuple[str, ...] = Field(default=("localhost",), min_length=1, max_length=50)
    listen: Address = Address(host="0.0.0.0", port=CA_PORT)  # noqa: S104 (hosts are to reach it)
    ca: str = ""
    broker: str = ""
    identities: Identities = Identities()

    @field_validator("names")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if _NAME.fullmatch(name) is None or (":" in name and not _is_address(name)):
                raise ValueError("give names and addresses as hosts know them, without a port")
        return names

    @classmethod
    def read(cls, path: Path) -> "CaSettings":
        """Read the settings; raise `SettingsError` where they can't be used."""
        found, base = load_settings(cls, path), path.parent
        folders = found.identities.model_dump()
        absolute = {name: base / folder for name, folder in folders.items() if folder is not None}
        return found.model_copy(update={"folder": base / found.folder, "identities": Identities(**absolute)})

    @property
    def ca_address(self) -> Address:
        """Where hosts reach the CA."""
        return Address.parse(self.ca) if self.ca else Address(host=self.names[0], port=CA_PORT)

    @property
    def broker_address(self) -> Address:
        """Where hosts reach the broker."""
        return Address.parse(self.broker) if self.broker else Address(host=self.names[0], port=BROKER_PORT)

    def all_names(self) -> tuple[str, ...]:
        """Return what the server's certificates are good for: the names given, and this machine's own."""
        return tuple(dict.fromkeys((*self.names, *_LOCAL, socket.gethostname())))


def make_ca(folder: Path, names: Sequence[str]) -> None:
    """Make a CA in a folder, with settings that know these names.

    Whoever is killed meanwhile begins again. Raise `SettingsError` where there is one, or none can be made.
    """
    try:
        settings = CaSettings(names=tuple(names)) if names else CaSettings()
    except ValidationError as error:
        raise SettingsError(f"--name: {error.errors()[0]['msg']}") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        ours(folder)
        if (folder / "ca.key").exists():
            raise SettingsError(f"{folder}: a CA is there already; names are changed in {folder / SETTINGS}")
        (folder / "public").mkdir(exist_ok=True)
        (folder / "public").chmod(0o755)
        for suffix in ("", "-wal", "-shm"):
            (folder / f"{REGISTER}{suffix}").unlink(
                missing_ok=True
            )  # nothing was issued by it: there is no key
        now = datetime.now(UTC)
        authority = Authority.new(now)
        make(folder / REGISTER, now, authority.fingerprint(), by=person())
        if not (folder / SETTINGS).exists():
            write(folder / SETTINGS, _first(settings).encode(), 0o644)
        publish(folder, "ca.pem", authority.public())
        write(folder / "ca.key", authority.secret())
    except OSError as error:
        raise SettingsError(f"{error.filename or folder}: can't be written: {error.strerror}") from None


def open_ca(folder: Path) -> Authority:
    """Return the CA of a folder, with its key; raise `SettingsError` where it can't be used."""
    path = folder / "ca.key"
    if not path.exists():
        raise SettingsError(f"{folder}: no CA is there; make one with 'vedette ca init'")
    ours(folder)
    ours(path, secret=True)
    try:
        content = path.read_bytes()
        key = load_pem_private_key(content, password=None)
        certificate = x509.load_pem_x509_certificate(content)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{path}: can't be used ({error}); restore it from a backup, or begin with a new CA"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise SettingsError(f"{path}: not the key of a CA of Vedette's")
    return Authority(key, certificate)


def open_register(folder: Path) -> Register:
    """Return the register of the CA in a folder; raise `SettingsError` where it can't be used."""
    return Register(folder / REGISTER)


def published_ca(folder: Path) -> x509.Certificate:
    """Return the CA's certificate, as everybody may read it."""
    path = folder / "public" / "ca.pem"
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; make a CA with 'vedette ca init'") from None
    except ValueError:
        raise SettingsError(f"{path}: not a certificate; 'vedette ca serve' writes it anew") from None


def publish(folder: Path, name: str, content: bytes) -> None:
    """Write a file that everybody may read, whole or not at all."""
    path = folder / "public" / name
    write(path, content, 0o644)
    path.chmod(0o644)  # whatever the umask


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _first(settings: CaSettings) -> str:
    return f"""# Settings of 'vedette ca serve'; it reads them when it starts.
names = {json.dumps(settings.names)}  # by which hosts reach this server; the first stands in tokens

# [identities]  # of the server's own programs, kept current in these folders
# analyzer = "../analyzer"
# broker = "../broker"
# console = "../console"
"""
