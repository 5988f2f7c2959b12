"""Fills a queue's small disk, makes room, goes on and prints what it saw; run within a mount namespace."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from vedette_analyzer.notifying.queue import Queue, QueueError
from vedette_archive import Cursor

from tests.analyzer.notifying.routes import UTC_ZONE, route
from tests.analyzer.notifying.telling import alert

LANES = {"officer": route(fold_minutes=0)}


def take(queue: Queue, sequence: int) -> bool:
    """Take an alert in; tell whether there was room."""
    try:
        found = alert(summary=f"alert {sequence} {'x' * 900}")
        queue.take([found], LANES, datetime.now(UTC), UTC_ZONE, Cursor("here", sequence))
    except QueueError as error:
        print(str(error).rpartition(": ")[2])
        return False
    return True


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    queue = Queue(folder / "queue.db")
    queue.begin(Cursor("here", 0), None)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(500_000))
    sequence = 1
    while take(queue, sequence):
        sequence += 1
    followed = queue.follower()
    print("followed up to the last that was taken:", followed and followed[0].sequence == sequence - 1)
    ballast.unlink()
    print("takes it when there is room:", take(queue, sequence))
    print("nothing is lost:", queue.depth("officer").alerts == sequence)
    told = 0
    while queue.due("officer", LANES["officer"], datetime.now(UTC), UTC_ZONE) is not None:
        queue.pack("officer", datetime.now(UTC))
        outgoing = queue.outgoing("officer")
        if outgoing is None:
            break
        told += outgoing.dispatch.count
        queue.delivered("officer")
    print("all is told:", told == sequence)
