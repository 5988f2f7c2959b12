"""What the receiver asks of the archive: the books about streams, kept beside the observations."""

from collections.abc import Iterable
from typing import Protocol

from vedette_schemas import Position, SenderRecord, Stream, StreamRecord


class Ledger(Protocol):
    """The archive's books, as they stand now: another analyzer may have written since the last look.

    Whoever writes a `Reconciled` reads for it in the same transaction. Whoever commits a batch keeps, in
    the same transaction, what is neither below the floor nor archived, adds it to `archived`, and counts
    one more commit in its epoch. Opening the archive begins an epoch, at 0 commits.

    What is committed at or beyond the `next` of a closed stream makes it one that is not closed: its end was
    told by a restored disk, and the heartbeats to come find out what is missing.
    """

    @property
    def position(self) -> Position:
        """Where the archive stands now: the epoch of its last commit, whoever made it, and how many it has.

        Of two analyzers on one archive, each may ack what the other committed: only the last commit of
        all stands for everything that was archived until now.
        """
        ...

    def stream(self, stream: Stream) -> StreamRecord:
        """Return what is known of a stream: of a new one, a record as it is made."""
        ...

    def streams_due(self, principal: str) -> Iterable[Stream]:
        """Return the known streams of a sender that are neither closed nor vanished."""
        ...

    def sender(self, principal: str) -> SenderRecord:
        """Return what is known of a sender."""
        ...

    def commits(self, epoch: str) -> int | None:
        """Return how many commits the archive has of this epoch; `None` if it does not know it."""
        ...

    def is_known_lost(self, epoch: str) -> bool:
        """Tell whether an `ArchiveWentBack` that names this epoch was archived."""
        ...
