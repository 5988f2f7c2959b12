"""`vedette-sensor join`: by a token this host's programs come by their identities."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from vedette_schemas import VedetteError
from vedette_transport import CANNOT_GO_ON
from vedette_transport.joined import IDENTITIES
from vedette_transport.joining import join


def main(arguments: Sequence[str]) -> NoReturn:
    """Join as the arguments say; leave with 2 and one line on an error."""
    parser = argparse.ArgumentParser(
        prog="vedette-sensor join",
        description="Makes the keys of this host's sensor and enforcer here, and has them certified.",
    )
    parser.add_argument("token", metavar="TOKEN", help="what 'vedette enrol' printed; - reads it from stdin")
    parser.add_argument(
        "--folder", type=Path, default=IDENTITIES, help=f"where the identities go; as a rule {IDENTITIES}"
    )
    options = parser.parse_args(arguments)
    text: str = options.token
    if text == "-":
        text = sys.stdin.readline()
    try:
        done = join(text, options.folder, operator=False)
    except VedetteError as error:
        sys.stderr.write(f"vedette-sensor: {error}\n")
        sys.exit(CANNOT_GO_ON)
    sys.stdout.write(
        f"joined as {' and '.join(map(str, done.principals))}, until {done.ends_at:%Y-%m-%d};"
        f" identities in {options.folder}, the broker is at {done.server.broker}\n"
    )
    sys.exit(0)
