"""The keys of a server whose programs run in containers: `python -m vedette_console.keys`."""

import argparse
import sys
from pathlib import Path

from vedette_schemas import ANALYZER, SettingsError, VedetteError
from vedette_transport import CANNOT_GO_ON

from .authority import Authority
from .private import write


def make_keys(ca: Path, analyzer: Path) -> None:
    """Make the CA in `ca`, and the analyzer's certificate in `analyzer`, or renew what need be.

    A copy of the CA's certificate lies beside the analyzer's: nobody has to reach into the CA's folder.
    Raise `SettingsError` where that can't be done.
    """
    try:
        authority = Authority(ca)
        authority.issue(ANALYZER, analyzer)
        write(analyzer / "ca.pem", authority.certificate_path.read_bytes(), 0o644)
    except OSError as error:
        raise SettingsError(f"{error.filename or ca}: can't be written: {error.strerror}") from None


def main() -> None:
    """Make them; leave with 2 and one line on an error."""
    parser = argparse.ArgumentParser(prog="vedette-keys", description="Makes a server's CA and keys.")
    parser.add_argument("--ca", type=Path, required=True, metavar="FOLDER", help="where the CA is kept")
    parser.add_argument(
        "--analyzer", type=Path, required=True, metavar="FOLDER", help="where the analyzer's keys go"
    )
    options = parser.parse_args()
    try:
        make_keys(options.ca, options.analyzer)
    except VedetteError as error:
        sys.stderr.write(f"vedette-keys: {error}\n")
        sys.exit(CANNOT_GO_ON)


if __name__ == "__main__":
    main()
