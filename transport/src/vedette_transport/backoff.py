"""How long to wait before trying again."""

import random
from collections.abc import Iterator


def backoff(first: float = 0.2, longest: float = 30.0) -> Iterator[float]:
    """Yield seconds to wait: doubling from `first` to `longest`, each between half and all of it.

    The jitter keeps a thousand hosts from coming back in the same instant.
    """
    ceiling = first
    while True:
        yield ceiling * random.uniform(0.5, 1.0)  # noqa: S311 (not a secret)
        ceiling = min(ceiling * 2, longest)
