"""What the analyzer can be told."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from vedette_archive import Retention
from vedette_schemas import HostName, Mode
from vedette_transport import BrokerAddress, Settings


class HostSettings(Settings):
    """What is different for one host."""

    mode: Mode


class AnalyzerSettings(Settings):
    """Everything the analyzer can be told; relative paths start at the settings file's folder.

    `archive` is the file of its history; a file beside it, `…-judging`, tells what it was judging when it
    was killed. `retention` is in days.
    """

    lists: Annotated[tuple[Path, ...], Field(min_length=1, max_length=64)]
    key: Path
    certificate: Path
    archive: Path
    broker: BrokerAddress = BrokerAddress()
    mode: Mode = Mode.ENFORCE
    hosts: dict[HostName, HostSettings] = Field(default_factory=dict)
    retention: Retention = Retention()

    def mode_of(self, host: str) -> Mode:
        """Return the mode that verdicts about `host` are carried out in."""
        return self.hosts[host].mode if host in self.hosts else self.mode
