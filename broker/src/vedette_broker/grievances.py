"""What clients do that they may not: counted, and said the first time, the second, the fourth and so on."""

import logging
from collections import OrderedDict

from vedette_transport.complaints import Complaints

log = logging.getLogger(__name__)

_REMEMBERED = 2_000


class Grievances:
    """Remembers who did what, the last 2,000 of them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._all: OrderedDict[tuple[str, str], Complaints] = OrderedDict()

    def say(self, who: str, what: str, detail: str = "") -> None:
        """Count `what`, and log it with the detail, which is not counted apart, if it is time to."""
        complaints = self._all.setdefault((who, what), Complaints())
        self._all.move_to_end((who, what))
        if len(self._all) > _REMEMBERED:
            self._all.popitem(last=False)
        if (count := complaints.one_more()) is not None:
            log.warning("%s: %s (%d so far)", who, f"{what} {detail}".rstrip(), count)
