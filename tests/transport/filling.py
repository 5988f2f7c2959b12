"""Fills a small disk beneath a sender, makes room, goes on; prints what it saw. Run in a mount namespace."""

import json
import subprocess
import sys
from pathlib import Path

from vedette_schemas import Kind, Ranges, StreamState, encode
from vedette_transport.delivery import Reserve, Sender, SenderLimits
from vedette_transport.spool import SqliteSpool

from tests.messages import outcome

NAME = "sensor@host-7"


class Opening:
    """A sender under which everything is under way at once, so that all that is held can be seen."""

    def __init__(self, path: Path, name: str) -> None:
        self.spool = SqliteSpool.at(path, NAME)
        limits = SenderLimits(unacknowledged=100_000)
        self.sender = Sender(Reserve(self.spool), NAME, name, lambda: 0.5, limits)

    def put(self, count: int, kind: Kind = Kind.WINDOW, item: bytes = b"x" * 300) -> bool:
        """Tell whether all of them were written."""
        written = True
        for _ in range(count):
            self.sender.put(kind, item)
            written = written and not self.spool.is_troubled
        return written

    def windows(self) -> StreamState:
        return next(state for state in self.sender.heartbeat().streams if state.kind == Kind.WINDOW)

    def held(self, kind: Kind) -> Ranges:
        self.sender.reconnect()
        return Ranges.of(
            (run.first, run.first + len(run.items) - 1)
            for run in self.sender.due(0.0)
            if run.stream.kind == kind
        )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    path = folder / "spool.db"
    first = Opening(path, "0" * 16)
    first.put(1, Kind.OUTCOME, encode(outcome(None)))
    found: dict[str, object] = {"fits": first.put(20_000)}
    first.put(3, Kind.OUTCOME, encode(outcome(None)))
    found["outcomes while it is full"] = first.held(Kind.OUTCOME).pairs
    ballast.unlink()
    found["fits once there is room"] = first.put(10)
    state = first.windows()
    held, dropped = first.held(Kind.WINDOW), Ranges.of(state.dropped)
    found["held or dropped"] = (held | dropped).pairs
    found["both"] = (held & dropped).pairs
    found["some of each"] = len(held) > 100 and len(dropped) > 100
    first.spool.close()
    again = Opening(path, "1" * 16)
    found["the same again"] = again.windows() == state.model_copy(update={"final": True})
    found["held again"] = again.held(Kind.WINDOW) == held
    found["outcomes again"] = again.held(Kind.OUTCOME).pairs
    print(json.dumps(found))
