"""Acting as an operator: a signed act goes to the analyzer until it is answered."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Self
from uuid import uuid4

from vedette_schemas import (
    Act,
    ActAnswer,
    Approve,
    Direct,
    MessageError,
    SettingsError,
    TakeBack,
    VedetteError,
    decode_answer,
    topics,
)
from vedette_transport import BrokerAddress, Connected, Inbox, MqttSession, Received, Settings, load_settings
from vedette_transport.signing import Signer

AGAIN_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
_LIFE = timedelta(minutes=1)


class OperatorSettings(Settings):
    """What an operator needs: broker, archive, and a key to act with. Relative paths start at its folder."""

    broker: BrokerAddress = BrokerAddress()
    archive: Path
    key: Path
    certificate: Path

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read `operator.toml` in the folder of 'vedette up'; raise `SettingsError` where it is not there."""
        path = folder / "operator.toml"
        if not path.exists():
            raise SettingsError(f"{path} is not there: name the folder of 'vedette up' with --folder")
        found = load_settings(cls, path)
        files = {name: folder / getattr(found, name) for name in ("archive", "key", "certificate")}
        return found.model_copy(update=files)


class NotAnsweredError(VedetteError):
    """Nobody answered an act."""


class NotDoneError(VedetteError):
    """The analyzer has not done what was asked; the text is its own."""


class Operator:
    """Acts, one act after another, over one connection."""

    def __init__(self, session: MqttSession, inbox: Inbox, signer: Signer, broker: BrokerAddress) -> None:
        """Act over a session that was started."""
        self._session, self._inbox, self._signer, self._broker = session, inbox, signer, broker
        self._principal = signer.principal

    def act(self, what: Approve | TakeBack | Direct) -> ActAnswer:
        """Have something done; raise `NotDoneError` where it is refused, `NotAnsweredError` by nobody."""
        now = datetime.now(UTC)
        act = Act(id=uuid4(), issuer=str(self._principal), issued_at=now, expires_at=now + _LIFE, what=what)
        answer = self._answered(act, self._signer.sign(act).encode())
        if not answer.done:
            raise NotDoneError(answer.words)
        return answer

    def _answered(self, act: Act, token: bytes) -> ActAnswer:
        deadline = time.monotonic() + PATIENCE_SECONDS
        again = 0.0
        while (now := time.monotonic()) < deadline:
            if self._session.is_connected and now >= again:
                self._session.publish(topics.act(self._principal), token, qos=0)
                again = now + AGAIN_SECONDS
            try:
                event = self._inbox.get(timeout=min(deadline - now, max(again - now, 0.05)))
            except Empty:
                continue
            match event:
                case Connected():
                    again = 0.0
                case Received(topic, payload):
                    answer = _read(topic, payload)
                    if answer is not None and answer.act_id == act.id:
                        return answer
                case _:
                    pass
        if not self._session.is_connected:
            raise NotAnsweredError(f"no broker at {self._broker}: nothing was done")
        raise NotAnsweredError(
            f"the analyzer did not answer within {PATIENCE_SECONDS:.0f} s: 'vedette actions' tells whether it"
            " has done something"
        )


@contextmanager
def operator(settings: OperatorSettings) -> Generator[Operator]:
    """Connect as the operator whose key the settings name."""
    signer, inbox = Signer(settings.key, settings.certificate), Inbox()
    principal = signer.principal
    session = MqttSession(principal, settings.broker, inbox, subscriptions=(topics.ack(principal),))
    transport = logging.getLogger("vedette_transport")
    level = transport.level
    transport.setLevel(logging.ERROR)  # that nobody is there is said at the end
    session.start()
    try:
        yield Operator(session, inbox, signer, settings.broker)
    finally:
        session.stop()
        transport.setLevel(level)


def _read(topic: str, payload: bytes | bytearray) -> ActAnswer | None:
    try:
        return decode_answer(topic, payload)
    except MessageError:
        return None
