"""Renewing a certificate from two thirds of its life, by the program whose certificate it is."""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from vedette_schemas import VedetteError

from .apart import renew_apart
from .backoff import backoff
from .credentials import Certified, Credentials
from .settings import Address

log = logging.getLogger(__name__)

_LOOK_SECONDS, _FAREWELL_SECONDS = 3_600.0, 1.0
_FIRST_RETRY, _LONGEST_RETRY = 60.0, 6 * 3_600.0


def due(begins_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Tell whether two thirds of a certificate's life are over."""
    return now >= begins_at + (ends_at - begins_at) * 2 / 3


class Renewer:
    """Renews an identity in time, in a thread of its own, for as long as the program runs."""

    def __init__(
        self,
        identity: Credentials[Certified],
        ca: Address,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set up, without a thread."""
        self._identity, self._ca, self._now = identity, ca, now
        self._trouble = ""
        self._delays = backoff(_FIRST_RETRY, _LONGEST_RETRY)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="renewer", daemon=True)

    @property
    def facts(self) -> Mapping[str, str]:
        """How it stands, for heartbeats: when the certificate ends, and what keeps it from being renewed."""
        ends = f"on: until {self._identity.ends_at:%Y-%m-%d}"
        return {"certificate": f"{ends}, not renewed: {self._trouble}"[:300] if self._trouble else ends}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a request that is under way ends with the process."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_FAREWELL_SECONDS)

    def step(self) -> float:
        """Renew if that is due; return in how many seconds to look again."""
        try:
            self._identity.refresh()  # `join`, or the server itself, may have been here
            if due(self._identity.begins_at, self._identity.ends_at, self._now()):
                renew_apart(self._identity.folder, self._ca)
                self._identity.refresh()
                log.info("renewed our certificate: it ends %s", f"{self._identity.ends_at:%Y-%m-%d}")
        except VedetteError as error:
            if str(error) != self._trouble:
                log.warning("our certificate can't be renewed: %s", error)
            self._trouble = str(error)
            return next(self._delays)
        self._trouble = ""
        self._delays = backoff(_FIRST_RETRY, _LONGEST_RETRY)
        return _LOOK_SECONDS * random.uniform(0.5, 1.0)  # noqa: S311 (not a secret: hosts spread theirs)

    def _keep(self) -> None:
        while not self._stopping.wait(self._safe_step()):
            pass

    def _safe_step(self) -> float:
        try:
            return self.step()
        except Exception:
            log.exception("renewing failed")
            return _LOOK_SECONDS
