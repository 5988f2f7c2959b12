"""The enforcer's way of a command, all but MQTT, in a process of its own that may be killed at any line."""

import contextlib
import os
import pickle
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

import vedette_enforcer
from vedette_enforcer import commandline
from vedette_enforcer.acts import Acts
from vedette_enforcer.core import Gate
from vedette_enforcer.enforcer import Enforcer
from vedette_enforcer.known import Known
from vedette_enforcer.released import Releases, note_of
from vedette_schemas import Outcome, OutcomeStatus, decode, topics
from vedette_transport import Event, Inbox, Outbox, Received
from vedette_transport.signing import Verifier

from .acting import BROKER
from .orders import ENFORCER

Line = tuple[str, int]
_OURS = str(Path(vedette_enforcer.__file__).parent)
_PATIENCE = 10.0


def carry_out(folder: Path, ca: Path, tokens: Sequence[str]) -> list[Outcome]:
    """Start, take these commands one after the other, keep their outcomes, and be gone."""
    outbox = Outbox(ENFORCER, folder / "spool.db")
    gate = Gate(Verifier(ca, ENFORCER), Known(outbox))
    inbox: Inbox = SimpleQueue()
    acts = Acts(folder / "journal.db", folder / "never_touch.toml", BROKER, "host-7", {})
    enforcer = Enforcer(gate, inbox, 0.2, acts=acts, releases=Releases(outbox))
    acts.start(inbox)
    told: list[Outcome] = []
    for token in tokens:
        event: Event = Received(topics.command(ENFORCER), token.encode())
        is_answered = False
        while not is_answered:
            for outcome in enforcer.handle(event):
                outbox.put(outcome, note_of(outcome))
                told.append(outcome)
                is_answered = is_answered or outcome.status is not OutcomeStatus.RELEASED
            try:
                event = event if is_answered else inbox.get(timeout=_PATIENCE)
            except Empty:
                break
    return told


def release(folder: Path) -> int:
    """Release all at the host's own console."""
    return commandline.run(["release", "--all", "--journal", str(folder / "journal.db")])


def spooled(folder: Path) -> list[Outcome]:
    """Return all that waits in the spool."""
    with contextlib.closing(sqlite3.connect(folder / "spool.db")) as spool:
        return [decode(Outcome, item) for (item,) in spool.execute("SELECT item FROM item ORDER BY place")]


def in_a_process(work: Callable[[], Any]) -> Any:
    """Do it in a process of its own and return what it returns; `None` where it was killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            with os.fdopen(writer, "wb") as answer:
                pickle.dump(work(), answer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return pickle.loads(said) if said else None


def lines_of(work: Callable[[], Any]) -> list[Line]:
    """Return the lines of the enforcer's that it takes, each once, in their order."""
    lines: dict[Line, None] = {}
    _trace(lines.setdefault)
    work()
    return list(lines)


def killed_at(line: Line, work: Callable[[], Any]) -> None:
    """Do it, and die at once when this line is come to."""

    def see(seen: Line) -> None:
        if seen == line:
            os.kill(os.getpid(), signal.SIGKILL)

    _trace(see)
    work()


def _trace(see: Callable[[Line], object]) -> None:
    def within(frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line":
            see((frame.f_code.co_filename, frame.f_lineno))
        return within

    def enter(frame: FrameType, _event: str, _argument: object) -> Any:
        return within if frame.f_code.co_filename.startswith(_OURS) else None

    sys.settrace(enter)
    threading.settrace(enter)
