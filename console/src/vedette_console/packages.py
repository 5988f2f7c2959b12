"""The Debian packages that a demo needs: named where they are missing, installed where that is allowed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from vedette_schemas import VedetteError


class MissingPackagesError(VedetteError):
    """Something is not installed, and we may not install it."""


def require(packages: Mapping[str, str]) -> None:
    """Make sure that each program is there (`packages`: program to Debian package), or say what is not."""
    missing = sorted({package for program, package in packages.items() if shutil.which(program) is None})
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    asroot = _as_root()
    if asroot is None or shutil.which("apt-get") is None:
        raise MissingPackagesError(
            f"not installed: {', '.join(missing)}; run: sudo apt install {' '.join(missing)}"
        )
    sys.stderr.write(f"vedette: installing {', '.join(missing)}\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], install):
        done = subprocess.run(
            [*asroot, *command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
            raise MissingPackagesError(
                f"{' '.join(command[:2])} failed: {last}; install {' '.join(missing)} by hand"
            )


def _as_root() -> list[str] | None:
    """Return what makes a command run as root without a question; `None` if nothing does."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None
