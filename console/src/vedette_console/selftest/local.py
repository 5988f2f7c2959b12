"""Whether this machine is a host, and which: as its sensor's settings say."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from pydantic import BaseModel, ConfigDict, ValidationError
from vedette_schemas import SettingsError
from vedette_transport.identity import principal_of
from vedette_transport.joined import IDENTITIES

_INSTALLED = Path("/etc/vedette/sensor.toml")


class Local(NamedTuple):
    """This host's name, as far as we may read it, and its sensor's socket."""

    host: str | None
    socket: Path


class _Sensor(BaseModel):
    """What of a sensor's settings matters here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str | None = None
    identity: Path = IDENTITIES / "sensor"
    socket: Path = Path("/run/vedette/sensor.sock")


def this_host(folder: Path) -> Local | None:
    """Return this host: that of 'vedette up' in this folder, else the one that is installed; `None`: none."""
    for settings, beside in ((folder / "sensor.toml", folder), (_INSTALLED, Path("/"))):
        if settings.exists():
            found = _read(settings)
            return Local(found.host or _named(beside / found.identity), (beside / found.socket).absolute())
    return None


def _read(path: Path) -> _Sensor:
    try:
        return _Sensor.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: '{_place(error.errors()[0]['loc'])}' is not as it should be") from None
    except ValueError:
        raise SettingsError(f"{path}: not TOML") from None


def _place(names: Iterable[object]) -> str:
    return ".".join(map(str, names))


def _named(identity: Path) -> str | None:
    """Return the host that a certificate names; who may not read that is not told."""
    try:
        certificate = x509.load_pem_x509_certificate((identity / "certificate.pem").read_bytes())
        return principal_of(certificate).host
    except (OSError, ValueError, SettingsError):
        return None
