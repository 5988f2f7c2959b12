"""Whose turn it is: nobody has so much done at once that all others wait."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from vedette_schemas import VedetteError

AT_ONCE = 6
"""What of one account is worked on at once: as much as one browser asks for at once."""

MOST_WANTED = 60
"""What of one account is worked on or waits; beyond that it is refused."""


class TooMuchError(VedetteError):
    """An account wants too much at once."""


@dataclass(slots=True)
class _Wanted:
    number: int = 0
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


class Turns:
    """What each account has under way; for the loop's thread alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._wanted: dict[str, _Wanted] = {}

    @asynccontextmanager
    async def of(self, account: str) -> AsyncGenerator[None]:
        """Wait for a turn of an account and hold it for the block; raise `TooMuchError`."""
        wanted = self._wanted.setdefault(account, _Wanted())
        if wanted.number >= MOST_WANTED:
            raise TooMuchError("that is too much at once: wait until some of it is done")
        wanted.number += 1
        try:
            async with wanted.turns:
                yield
        finally:
            wanted.number -= 1
            if not wanted.number:
                del self._wanted[account]
