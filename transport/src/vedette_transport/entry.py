"""How a program begins and ends: options, log, exit code."""

import argparse
import logging
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vedette_schemas import SettingsError, VedetteError

CANNOT_GO_ON = 2
"""The exit code of a program that a person has to help; starting it again won't."""

_NOT_NOW = 1


class NotNowError(SettingsError):
    """What can't be done at present for want of something of the machine's; starting again may help."""


def run(name: str, description: str, program: Callable[[Path], None]) -> None:
    """Run a program whose only option is its settings file; leave with 2 and one line on an error.

    With 1 where starting it again may help, as whoever watches over it does.
    """
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="its settings, in TOML")
    parser.add_argument("--version", action="version", version=f"{name} {program_version()}")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"{name}: %(message)s", stream=sys.stderr)
    try:
        program(options.settings)
    except VedetteError as error:
        sys.stderr.write(f"{name}: {error}\n")
        sys.exit(_NOT_NOW if isinstance(error, NotNowError) else CANNOT_GO_ON)
    except KeyboardInterrupt:
        sys.exit(130)


def program_version() -> str:
    """Return the version of Vedette that is installed."""
    try:
        return version("vedette-transport")
    except PackageNotFoundError:
        return "unknown"
