"""Asking systemd, and telling it."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from vedette_schemas import SettingsError

_RUNS = Path("/run/systemd/system")
_PATIENCE = 60.0
_MOST_SAID = 300
_ASKED = (
    "LoadState,ActiveState,SubState,Result,ExecMainStatus,MainPID,NRestarts,UnitFileState,"
    "ActiveEnterTimestamp,InactiveEnterTimestamp"
)


def require() -> None:
    """Raise `SettingsError` where systemd does not run."""
    if not _RUNS.is_dir() or shutil.which("systemctl") is None:
        raise SettingsError("systemd does not run here: start the program by what does, with --settings FILE")


def tell(*words: str) -> None:
    """Have systemd do something; raise `SettingsError` with what it says if it does not."""
    done = _run("systemctl", *words)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise SettingsError(f"systemctl {' '.join(words)}: {said[-1]}")


def attempt(*words: str) -> None:
    """Have systemd do something that may have been done already."""
    _run("systemctl", *words)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a unit stands. Times are as systemd writes them; `last_said` is the last line of its log."""

    service: str
    installed: bool
    running: bool
    since: str
    pid: int
    starts_at_boot: bool
    restarts: int
    trouble: str
    last_said: str

    def in_words(self) -> str:
        """Return it as a person reads it."""
        if not self.installed:
            return f"{self.service}: not installed"
        state = f"running since {self.since} (PID {self.pid})" if self.running else "not running"
        parts = [state if self.running or not self.since else f"{state} since {self.since}"]
        parts += [self.trouble] if self.trouble else []
        parts += [f"started again {self.restarts} times"] if self.restarts else []
        parts += [] if self.starts_at_boot else ["does not start by itself"]
        line = f"{self.service}: {', '.join(parts)}"
        return f"{line}\n  last said: {self.last_said}" if self.last_said else line

    def as_json(self) -> str:
        """Return it as a machine reads it."""
        return json.dumps(asdict(self))


def standing(unit: str, *, of_user: bool = False) -> Standing:
    """Return how a unit of the system's, or of our user's, stands."""
    scope = ("--user",) if of_user else ()
    found = _properties(_run("systemctl", *scope, "show", "--property", _ASKED, "--", unit).stdout)
    running = found.get("ActiveState") == "active" and found.get("SubState") == "running"
    log = _run("journalctl", *scope, "--quiet", "--output", "cat", "--lines", "1", *_own_lines(unit, scope))
    return Standing(
        service=unit.removesuffix(".service"),
        installed=found.get("LoadState") == "loaded",
        running=running,
        since=found.get("ActiveEnterTimestamp" if running else "InactiveEnterTimestamp", ""),
        pid=int(found.get("MainPID", "0")),
        starts_at_boot=found.get("UnitFileState") in {"enabled", "enabled-runtime"},
        restarts=int(found.get("NRestarts", "0")),
        trouble="" if running else _trouble(found),
        last_said=log.stdout.strip()[:_MOST_SAID],
    )


def _own_lines(unit: str, scope: tuple[str, ...]) -> tuple[str, ...]:
    """Return what picks the lines that the program wrote, and none that systemd wrote of it."""
    return (f"_SYSTEMD_{'USER_' if scope else ''}UNIT={unit}",)


def _trouble(found: Mapping[str, str]) -> str:
    if found.get("Result") == "exit-code":
        return f"ended with exit code {found.get('ExecMainStatus')}"
    if found.get("ActiveState") in {"failed", "activating"}:
        return f"it failed ({found.get('Result')})"
    return ""


def _properties(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in lines}


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        raise SettingsError(f"{command[0]} did not end within {_PATIENCE:.0f} s") from None
