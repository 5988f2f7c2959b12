"""What the analyzer runs with, read from its settings as far as pages show it."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from vedette_archive import Retention
from vedette_schemas import HostName, Mode, SettingsError

MOST_BYTES = 2**20


class _Host(BaseModel):
    mode: Mode


class _Settings(BaseModel):
    """The part that is shown; what else stands in the file is the analyzer's business."""

    model_config = ConfigDict(extra="ignore")

    lists: tuple[Path, ...] = ()
    archive: Path
    feeds: Path | None = None
    guard: tuple[Path, ...] = ()
    protect: Path | None = None
    mode: Mode = Mode.ENFORCE
    hosts: dict[HostName, _Host] = Field(default_factory=dict[str, _Host])
    block_hours: int = 24
    approve_minutes: int = 15
    retention: Retention = Retention()


class AnalyzerRuns(NamedTuple):
    """What the analyzer runs with; `kept` is the folder of the lists that feeds have made."""

    lists: tuple[Path, ...]
    kept: Path
    feeds: Path | None
    guard: tuple[Path, ...]
    protect: Path | None
    mode: Mode
    modes: dict[str, Mode]
    block_hours: int
    approve_minutes: int
    retention: Retention


def read_analyzer(path: Path | None) -> AnalyzerRuns | None:
    """Read the analyzer's settings; `None` where they are not on this machine. Raise `SettingsError`."""
    if path is None or not path.exists():
        return None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path}: too large for settings")
        found = _Settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except (ValidationError, ValueError):
        raise SettingsError(f"{path}: not TOML, or no settings of an analyzer") from None
    folder = path.parent
    return AnalyzerRuns(
        lists=tuple(folder / each for each in found.lists),
        kept=(folder / found.archive).parent / "feeds",
        feeds=None if found.feeds is None else folder / found.feeds,
        guard=tuple(folder / each for each in found.guard),
        protect=None if found.protect is None else folder / found.protect,
        mode=found.mode,
        modes={str(host): each.mode for host, each in found.hosts.items()},
        block_hours=found.block_hours,
        approve_minutes=found.approve_minutes,
        retention=found.retention,
    )
