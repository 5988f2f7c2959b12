"""Nothing lost: how observations get from a spool into the archive, at both ends, as pure state machines.

What is missing an ack is sent again, what is archived is acked, and heartbeats are compared with the
archive's books, so that every loss is either declared or found.
"""

from .facts import ArchiveWentBack, Dropped, Fact, LostWithArchive, Missing, Vanished, WentBack
from .ledger import Ledger
from .receiver import Batch, Receiver, ReceiverLimits, Taken
from .reconcile import PATIENCE, Reconciled, reconcile
from .reserve import Reserve
from .sender import Run, Sender, SenderLimits
from .spool import Kept, Spool, SpoolDamagedError, SpoolFullError

__all__ = [
    "PATIENCE",
    "ArchiveWentBack",
    "Batch",
    "Dropped",
    "Fact",
    "Kept",
    "Ledger",
    "LostWithArchive",
    "Missing",
    "Receiver",
    "ReceiverLimits",
    "Reconciled",
    "Reserve",
    "Run",
    "Sender",
    "SenderLimits",
    "Spool",
    "SpoolDamagedError",
    "SpoolFullError",
    "Taken",
    "Vanished",
    "WentBack",
    "reconcile",
]
