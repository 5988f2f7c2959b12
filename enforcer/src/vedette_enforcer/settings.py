"""What the enforcer can be told."""

from pathlib import Path

from pydantic import Field
from vedette_schemas import HostName
from vedette_transport import BrokerAddress, Settings, load_settings


class EnforcerSettings(Settings):
    """The enforcer's settings, with their defaults.

    `ca` is the deployment's CA certificate, relative to the settings file. `socket` is where users'
    sessions come for notices, relative to the working directory: the address of a Unix socket has room
    for 107 bytes only. `term_seconds` is how long a program may take to end after TERM, before KILL.
    `spool` is where outcomes wait until they are archived, relative to the working directory.
    """

    host: HostName
    broker: BrokerAddress = BrokerAddress()
    ca: Path
    socket: Path
    term_seconds: float = Field(default=2.0, ge=0.0, le=30.0)
    spool: Path = Path("/var/lib/vedette/enforcer-spool.db")
    spool_mib: int = Field(default=64, ge=1, le=4_096)


def read_settings(path: Path) -> EnforcerSettings:
    """Read the settings at `path`; raise `SettingsError` where they can't be used."""
    settings = load_settings(EnforcerSettings, path)
    return settings.model_copy(update={"ca": path.parent / settings.ca})
