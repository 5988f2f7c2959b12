"""Writes the pages that are made from the code: JSON Schema of the messages, AsyncAPI."""

import argparse
import json
import sys
from pathlib import Path

from vedette_schemas import (
    Ack,
    Act,
    ActAnswer,
    Alert,
    Command,
    Handover,
    Hello,
    Message,
    Notice,
    Report,
    Shown,
    Status,
    Taken,
)

from .asyncapi import document

FOLDER = Path(__file__).parent / "messages"
ASYNCAPI = Path(__file__).parent / "asyncapi.json"
MESSAGES: tuple[type[Message], ...] = (
    Report,
    Ack,
    Command,
    Act,
    ActAnswer,
    Alert,
    Status,
    Hello,
    Handover,
    Taken,
    Notice,
    Shown,
)


def pages() -> dict[Path, str]:
    """Return each page with what it is to say."""
    return {
        FOLDER / f"{message.__name__.lower()}.json": json.dumps(
            message.model_json_schema(), indent=1, sort_keys=True
        )
        + "\n"
        for message in MESSAGES
    } | {ASYNCAPI: document()}


def main() -> int:
    """Write the pages, or with `--check` tell which are not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    if not parser.parse_args().check:
        FOLDER.mkdir(exist_ok=True)
        for path, text in pages().items():
            path.write_text(text, "utf-8")
        return 0
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    stale += set(FOLDER.glob("*.json")) - set(pages())
    for path in stale:
        sys.stderr.write(f"{path}: not what the code says; run 'make docs'\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
