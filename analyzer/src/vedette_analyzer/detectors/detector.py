"""What a detector is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Generic, TypeVar

from vedette_schemas import (
    ClipboardCopied,
    ConnectionOpened,
    Observation,
    ProcessStarted,
    ProgramHashed,
    WindowFocused,
)

from ..finding import Finding

O_contra = TypeVar(
    "O_contra",
    WindowFocused,
    ClipboardCopied,
    ProcessStarted,
    ProgramHashed,
    ConnectionOpened,
    contravariant=True,
)


class Detector(ABC, Generic[O_contra]):
    """Looks at the observations it `watches` and yields findings. Time is `observation.seen_at`."""

    name: ClassVar[str]
    watches: ClassVar[tuple[type[Observation], ...]]
    most_a_minute: ClassVar[int | None] = None
    """How many of its findings about one host are told in a minute; `None` for all."""
    suppressible: ClassVar[bool] = True
    """Whether operators may suppress its findings."""
    memory: ClassVar[timedelta] = timedelta(0)
    """How far back it remembers: as much of the archive is shown to it when the analyzer starts."""

    @abstractmethod
    def inspect(self, observation: O_contra) -> Iterator[Finding]:
        """Yield what matters in this observation."""
