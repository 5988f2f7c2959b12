"""What the analyzer can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from vedette_archive import Retention
from vedette_schemas import MAX_TTL, HostName, Mode
from vedette_transport import BrokerAddress, FilePath, Settings

from .metrics.address import an_address


class HostSettings(Settings):
    """What is different for one host."""

    mode: Mode


class AnalyzerSettings(Settings):
    """Everything the analyzer can be told; relative paths start at the settings file's folder.

    `archive` is the file of its history; a file beside it, `…-judging`, tells what it was judging when it
    was killed. `retention` is in days. A block that a list asks for lasts `block_hours`; in approve mode an
    operator has `approve_minutes` to approve a command. `identity` is the folder with the analyzer's key,
    its certificate and the CA's, below which operators' acts are signed; `crl` is that CA's list of what it
    has revoked. What `guard` names, one a line or in MISP's warninglists, is too common to block; hosts
    that look like what `protect` names are alerted. `feeds` is the file that names feeds; what is fetched
    is kept beside the archive, in `feeds`. `metrics` is where Prometheus may ask, `HOST:PORT`: whoever
    reaches it reads names of hosts.
    """

    lists: Annotated[tuple[Path, ...], Field(min_length=1, max_length=64)]
    identity: Path
    archive: FilePath
    crl: Path | None = None
    feeds: Path | None = None
    guard: Annotated[tuple[Path, ...], Field(max_length=64)] = ()
    protect: Path | None = None
    broker: BrokerAddress = BrokerAddress()
    mode: Mode = Mode.ENFORCE
    hosts: dict[HostName, HostSettings] = Field(default_factory=dict)
    block_hours: Annotated[int, Field(ge=1, le=MAX_TTL // 3_600)] = 24
    approve_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    retention: Retention = Retention()
    metrics: Annotated[str, AfterValidator(an_address)] | None = None

    def mode_of(self, host: str) -> Mode:
        """Return the mode that verdicts about `host` are carried out in."""
        return self.hosts[host].mode if host in self.hosts else self.mode
