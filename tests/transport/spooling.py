"""Puts into a spool until it is killed, saying each number once it is kept."""

import sys
from pathlib import Path

from vedette_schemas import Kind
from vedette_transport.delivery import Sender
from vedette_transport.spool import SqliteSpool

if __name__ == "__main__":
    path, opening = Path(sys.argv[1]), sys.argv[2]
    sender = Sender(SqliteSpool.at(path, "sensor@host-7"), "sensor@host-7", opening, lambda: 0.5)
    while True:
        number = sender.put(Kind.WINDOW, b"x" * 300)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
