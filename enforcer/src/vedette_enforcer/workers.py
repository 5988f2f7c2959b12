"""Threads for what takes longer than the program's loop may stand still."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from vedette_transport import Call, Inbox

log = logging.getLogger(__name__)

_WORKERS = 8

Job = Callable[[], object]


class Workers:
    """Runs jobs; what they return comes back as a `Call` through the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        """Start the threads: one that waits already is there at once."""
        self._inbox = inbox
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        for number in range(_WORKERS):
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True).start()

    def run(self, job: Job) -> None:
        """Run `job` as soon as a thread is free."""
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._inbox.put(Call(self._jobs.get()()))
