"""What the enforcer can be told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from vedette_schemas import Mode
from vedette_transport import FilePath, HostSettings, Uplink, load_settings


class EnforcerSettings(HostSettings):
    """The enforcer's settings, with their defaults.

    `ca` is the deployment's CA certificate, relative to the settings file, where there is no identity to
    have it from. `socket` is where users'
    sessions come for notices, relative to the working directory: the address of a Unix socket has room
    for 107 bytes only. `term_seconds` is how long a program may take to end after TERM, before KILL.
    `spool` is where outcomes wait until they are archived, relative to the working directory. `journal` is
    where is written what is blocked, beside the spool if it is not given. `never_touch` says what is never
    blocked, relative to the settings file; there may be none. With `block` or `isolate` set to false that
    is not done here, whatever the server says; `mode` is the most that is done here: `observe` nothing but
    undoing and what was ordered before, `approve` only what an operator has signed for.
    """

    ca: Path | None = None
    socket: Path
    term_seconds: float = Field(default=2.0, ge=0.0, le=30.0)
    spool: FilePath = Path("/var/lib/vedette/enforcer-spool.db")
    spool_mib: int = Field(default=64, ge=1, le=4_096)
    journal: FilePath | None = None
    never_touch: Path = Path("never_touch.toml")
    mode: Mode = Mode.ENFORCE
    block: bool = True
    isolate: bool = True

    @model_validator(mode="after")
    def _knows_whom_to_trust(self) -> Self:
        plain = self.broker is not None and self.broker.plain
        if plain and self.ca is None:
            raise ValueError("'ca' is missing: without an identity it says whose commands to trust")
        if not plain and self.ca is not None:
            raise ValueError("'ca' goes with 'plain = true' only; an identity has a ca.pem of its own")
        return self

    @property
    def journal_file(self) -> Path:
        """Where the journal is."""
        return self.journal or self.spool.with_name("journal.db")

    @property
    def off(self) -> Mapping[str, str]:
        """What the settings forbid, and why it is not done."""
        forbidden = {"block": not self.block, "isolate": not self.isolate}
        return {action: "this host's settings forbid it" for action, it_is in forbidden.items() if it_is}


def read_settings(path: Path) -> EnforcerSettings:
    """Read the settings at `path`; raise `SettingsError` where they can't be used."""
    settings = load_settings(EnforcerSettings, path)
    folder = path.parent
    ca = settings.ca and folder / settings.ca
    return settings.model_copy(update={"ca": ca, "never_touch": folder / settings.never_touch})


def whom_to_trust(settings: EnforcerSettings, up: Uplink) -> Path:
    """Return the certificate of the CA whose commands count."""
    found = up.identity.folder.files().ca if up.identity else settings.ca
    assert found is not None  # noqa: S101 (the settings' own rule)
    return found
