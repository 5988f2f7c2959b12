"""Acting as an operator: an act goes to the analyzer until it is answered, then its outcome is waited for."""

import json
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Self, TypeVar
from uuid import UUID, uuid4

import typer
from rich.console import Console
from vedette_schemas import (
    Act,
    ActAnswer,
    Alert,
    MessageError,
    SettingsError,
    State,
    VedetteError,
    Wanted,
    decode_alert,
    decode_answer,
    topics,
)
from vedette_transport import (
    BrokerAddress,
    Connected,
    Disconnected,
    Inbox,
    MqttSession,
    Received,
    Settings,
    load_settings,
)
from vedette_transport.identity import Identity
from vedette_transport.joined import Server
from vedette_transport.renewing import Renewer
from vedette_transport.signing import Signer

from .lines import plain

NOT_DONE = 1
"""The exit code of a command of which not all was done."""

AGAIN_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
MOST_FINAL = 1_000
"""Alerts that are kept until it is known whether they are about what we did."""
_LIFE = timedelta(minutes=1)
_W = TypeVar("_W", bound=Wanted)


class OperatorSettings(Settings):
    """What an operator needs: broker, archive, and an identity. Relative paths start at its folder."""

    broker: BrokerAddress
    archive: Path
    identity: Path

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read `operator.toml` in the folder of 'vedette up'; raise `SettingsError` where it is not there."""
        path = folder / "operator.toml"
        if not path.exists():
            raise SettingsError(f"{path} is not there: name the folder of 'vedette up' with --folder")
        found = load_settings(cls, path)
        files = {"archive": folder / found.archive, "identity": folder / found.identity}
        return found.model_copy(update=files)


class NotAnsweredError(VedetteError):
    """Nobody answered an act."""


class Operator:
    """Acts, one act after another, over one connection."""

    def __init__(self, session: MqttSession, inbox: Inbox, signer: Signer, broker: BrokerAddress) -> None:
        """Act over a session that was started, and that hears our answers and all alerts."""
        self._session, self._inbox, self._signer, self._broker = session, inbox, signer, broker
        self._principal = signer.principal
        self._is_listening = False
        self._due = 0.0
        self._final: OrderedDict[UUID, Alert] = OrderedDict()

    def act(self, what: Wanted) -> ActAnswer:
        """Have something done; return the answer of the analyzer, raise `NotAnsweredError` without one."""
        now = datetime.now(UTC)
        act = Act(id=uuid4(), issuer=str(self._principal), issued_at=now, expires_at=now + _LIFE, what=what)
        token = self._signer.sign(act).encode()
        self._due, deadline = 0.0, time.monotonic() + PATIENCE_SECONDS
        while (moment := time.monotonic()) < deadline and not self._session.refusal:
            if self._is_listening and moment >= self._due:
                self._session.publish(topics.act(self._principal), token, qos=0)
                self._due = moment + AGAIN_SECONDS
            wake = self._due if self._is_listening else moment + AGAIN_SECONDS
            answer = self._next(min(deadline, wake) - moment)
            if answer is not None and answer.act_id == act.id:
                return answer
        if not self._due:
            why = self._session.refusal or f"no broker at {self._broker}"
            raise NotAnsweredError(f"{why}: nothing was done")
        raise NotAnsweredError(
            f"the analyzer did not answer within {PATIENCE_SECONDS:.0f} s: 'vedette actions' and"
            " 'vedette suppressions' tell whether it has done something"
        )

    def final_alert(self, command_id: UUID, deadline: float) -> Alert | None:
        """Return the final alert of a command that an answer named; `None` if none comes until then.

        It may have come before the answer did. `deadline` is of `time.monotonic`.
        """
        while command_id not in self._final:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._next(left)
        return self._final[command_id]

    def _next(self, seconds: float) -> ActAnswer | None:
        """Take the next event up; return it if it is an answer."""
        try:
            event = self._inbox.get(timeout=max(0.0, seconds))
        except Empty:
            return None
        match event:
            case Connected():  # and subscribed: what comes of an act is heard from now on
                self._is_listening, self._due = True, 0.0
            case Disconnected():
                self._is_listening = False
            case Received(topic, payload):
                return self._received(topic, payload)
            case _:
                pass
        return None

    def _received(self, topic: str, payload: bytes | bytearray) -> ActAnswer | None:
        try:
            if not topic.startswith(topics.ALERTS):
                return decode_answer(topic, payload)
            alert = decode_alert(payload)
        except MessageError:
            return None
        if alert.state is State.FINAL and alert.command_id is not None:
            self._final[alert.command_id] = alert
            if len(self._final) > MOST_FINAL:
                self._final.popitem(last=False)
        return None


@contextmanager
def operator(settings: OperatorSettings) -> Generator[Operator]:
    """Connect as the operator whose key the settings name; renew its certificate after that, if due."""
    identity, inbox = Identity(settings.identity), Inbox()
    principal = identity.principal
    heard = (topics.ack(principal), topics.EVERY_ALERT)
    session = MqttSession(principal, settings.broker, inbox, subscriptions=heard, identity=identity)
    transport = logging.getLogger("vedette_transport")
    level = transport.level
    transport.setLevel(logging.ERROR)  # that nobody is there is said at the end
    session.start()
    try:
        yield Operator(session, inbox, identity.signer(), settings.broker)
    finally:
        session.stop()
        transport.setLevel(level)
    if Server.is_beside(settings.identity):  # else whoever made the identity keeps it current
        Renewer(identity, Server.beside(settings.identity).ca).step()


@contextmanager
def progress() -> Generator[None]:
    """Show on a terminal that we wait."""
    screen = Console(stderr=True)
    with screen.status("waiting for the answer") if screen.is_terminal else nullcontext():
        yield


def carry_out(
    asked: Sequence[_W],
    settings: OperatorSettings,
    *,
    listed_by: str,
    as_json: bool,
    fields: Callable[[_W, ActAnswer], Mapping[str, str]] = lambda _what, _answer: {},
    hint: Callable[[_W, ActAnswer], str] = lambda _what, _answer: "",
) -> None:
    """Have all of it done and say what came of each: what is refused is no reason to leave the others.

    `listed_by` is the command that tells how things stand. `fields` is what JSON says of each beside its
    answer, and `hint` what people are told when it is done. Raise `typer.Exit` where something was refused,
    `NotAnsweredError` where nobody answers.
    """
    refused = False
    with operator(settings) as acting, progress():
        for what in asked:
            try:
                answer = acting.act(what)
            except KeyboardInterrupt:
                raise NotAnsweredError(f"not waited for: '{listed_by}' tells whether it was done") from None
            refused |= not answer.done
            words = plain(answer.words, 1_000)
            if as_json:
                state = "done" if answer.done else "refused"
                told = {"state": state, **fields(what, answer), "words": words}
                sys.stdout.write(json.dumps(told) + "\n")
            elif answer.done:
                sys.stdout.write(words + "\n" + hint(what, answer))
            else:
                sys.stderr.write(f"vedette: {words}\n")
    if refused:
        raise typer.Exit(NOT_DONE)
