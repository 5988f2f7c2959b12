"""Where a program puts its observations; they become reports."""

import secrets
from datetime import UTC, datetime

from vedette_schemas import Kind, Observation, Report, encode, topics

from .session import MqttSession


class Outbox:
    """Numbers observations within their stream and publishes them."""

    def __init__(self, session: MqttSession) -> None:
        """Open: the streams of this opening have names that were never used before."""
        self._session = session
        self._spool = secrets.token_hex(8)
        self._next: dict[Kind, int] = {}

    def put(self, observation: Observation) -> None:
        """Report an observation."""
        kind = Kind(observation.kind)
        number = self._next.get(kind, 1)
        self._next[kind] = number + 1
        report = Report(
            sender=str(self._session.principal),
            spool=self._spool,
            kind=kind,
            first=number,
            sent_at=datetime.now(UTC),
            items=(observation,),
        )
        self._session.publish(topics.report(self._session.principal, kind), encode(report))
