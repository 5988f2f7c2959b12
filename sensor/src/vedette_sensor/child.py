"""A process of our own that answers questions, and is ended when it does not."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import IO, cast

from pydantic import BaseModel, ConfigDict

from .watching import SourceError

_PATIENCE_TO_LOAD = 20.0
"""Seconds for a child to be ready: what it asks has to be loaded first."""

_REST = 20
_LONGEST_REST = 2.0
"""An answer that takes long is asked for less often: a rest is so many times as long, or so many seconds."""


class Found(BaseModel):
    """An answer: a window, a text, neither where there is nothing new, or what went wrong."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = None
    pid: int | None = None
    vouched: bool = False
    text: str | None = None
    length: int = 0
    error: str | None = None


class Child:
    """Asks one question again and again of `vedette_sensor.asked`, which may hang or die of it."""

    def __init__(self, question: str, patience: float) -> None:
        """Set up, without starting; an answer may take `patience` seconds."""
        self._question, self._patience = question, patience
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()

    def ask(self) -> Found:
        """Return the answer; raise `SourceError` if there is none, and begin anew the next time."""
        try:
            questions = self._start() if self._process is None else cast("IO[bytes]", self._process.stdin)
            with contextlib.suppress(OSError, ValueError):  # it ended: the answer says so
                questions.write(b"\n")
                questions.flush()
            return self._answer(self._patience)
        except SourceError:
            self._end()
            raise

    def close(self) -> None:
        """End it for good."""
        with self._lock:
            self._closed = True
        self._end()

    def _answer(self, patience: float) -> Found:
        try:
            line = self._answers.get(timeout=patience)
        except Empty:
            raise SourceError(f"no answer within {patience:.0f} s") from None
        if not line:
            raise SourceError("what asks for it ended by itself")
        found = Found.model_validate(json.loads(line))
        if found.error is not None:
            raise SourceError(found.error)
        return found

    def _start(self) -> IO[bytes]:
        with self._lock:
            if self._closed:
                raise SourceError("the session ends")
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "vedette_sensor.asked", self._question],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that it and what it starts can be ended together
            )
        self._answers = SimpleQueue()
        answers = cast("IO[bytes]", process.stdout)
        threading.Thread(target=_pass_on, args=(answers, self._answers), daemon=True).start()
        self._answer(_PATIENCE_TO_LOAD)
        return cast("IO[bytes]", process.stdin)

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(OSError):  # what was still to be written to it
            cast("IO[bytes]", process.stdin).close()


def poll(child: Child, seconds: float) -> Iterator[Found]:
    """Ask for ever, so often."""
    while True:
        began = time.monotonic()
        found = child.ask()
        took = time.monotonic() - began
        yield found
        time.sleep(max(seconds, min(_REST * took, _LONGEST_REST)))


def _pass_on(lines: IO[bytes], answers: SimpleQueue[bytes]) -> None:
    """Read its answers (a pipe can't be waited on with a time-out everywhere); nothing is the end."""
    with lines:
        for line in lines:
            answers.put(line)
    answers.put(b"")
