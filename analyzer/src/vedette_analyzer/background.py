"""What a program does that works beside the analyzer: it gives way to who judges, and ends with it."""

import os
import resource
import threading
import time

MAX_MEMORY = 4 * 2**30
"""Bytes of addresses; 5 million entries, or the largest JSON document, take a quarter of it."""

_NICENESS = 10
"""A tenth of what others get where there are not enough cores: it comes to its end nevertheless."""

_LOOK_SECONDS = 0.5


def give_way(parent: int | None) -> None:
    """Bound the memory, let others go first, and end when `parent` does, which started this program."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    os.nice(_NICENESS)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()


def _end_with(parent: int) -> None:
    """End at once: nothing is left to be put away, since files come by rename."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(0)
