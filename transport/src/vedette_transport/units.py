"""The systemd units of a host's programs, as text."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM_UNITS = Path("/etc/systemd/system")
USER_UNITS = Path("/etc/systemd/user")
SETTINGS = Path("/etc/vedette")

CONFINED = """\
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
"""
"""What no program of ours needs, and a user's own systemd can forbid too."""

CONFINED_AS_ROOT = f"""\
{CONFINED}\
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateDevices=yes
DevicePolicy=closed
KeyringMode=private
RemoveIPC=yes
RuntimeDirectory=vedette
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
StateDirectory=vedette
StateDirectoryMode=0700
WorkingDirectory=/var/lib/vedette
"""
"""The same, and what the system's systemd can forbid. The folders are sensor's and enforcer's together."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A program that systemd starts. With `of_users` each user's own does, for that user."""

    name: str
    module: str
    description: str
    confinement: str
    of_users: bool = False

    @property
    def file(self) -> str:
        """The unit's name."""
        return f"{self.name}.service"

    @property
    def path(self) -> Path:
        """Where the unit is written."""
        return (USER_UNITS if self.of_users else SYSTEM_UNITS) / self.file

    @property
    def settings(self) -> Path:
        """The program's settings."""
        return SETTINGS / f"{self.name.removeprefix('vedette-')}.toml"

    @property
    def command(self) -> str:
        """What starts the program, by the interpreter that we run in."""
        return quoted([sys.executable, "-P", "-m", self.module, "--settings", str(self.settings)])

    def text(self) -> str:
        """Return the unit."""
        return (
            f"# Written by '{self.name} service install', anew each time.\n"
            f"# For changes of yours: systemctl edit {self.name}\n"
            "[Unit]\n"
            f"Description={self.description}\n"
            f"{self._place}"
            "StartLimitIntervalSec=0\n\n"
            "[Service]\n"
            "Type=exec\n"
            f"ExecStart={self.command}\n"
            "Restart=always\n"
            "RestartSec=2\n"
            "# 2: a person has to help, starting it again won't\n"
            "RestartPreventExitStatus=2\n"
            "TimeoutStopSec=10\n"
            f"{self.confinement}\n"
            "[Install]\n"
            f"WantedBy={'graphical-session.target' if self.of_users else 'multi-user.target'}\n"
        )

    @property
    def _place(self) -> str:
        if self.of_users:
            return "PartOf=graphical-session.target\nAfter=graphical-session.target\n"
        return "Wants=network-online.target\nAfter=network-online.target\n"


def quoted(command: Sequence[str]) -> str:
    """Return a command line as a unit has it."""
    return " ".join(map(_quoted, command))


def _quoted(word: str) -> str:
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if " " in word or "\\" in word or "'" in word else word
