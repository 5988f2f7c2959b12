"""A host whose commands are timed: from a report that leads to one until its enforcer has it."""

import time
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty

import jwt
from vedette_schemas import (
    Command,
    Kind,
    Message,
    Outcome,
    OutcomeStatus,
    Principal,
    Process,
    Program,
    Report,
    Terminate,
    WindowFocused,
    decode,
    encode,
    topics,
)
from vedette_transport import BrokerAddress, Inbox, MqttSession, Received
from vedette_transport.identity import Identity

from bench.hosts_site import PROGRAM

NAME = "probe"
SENSOR, ENFORCER = Principal(Program.SENSOR, NAME), Principal(Program.ENFORCER, NAME)
_PATIENCE = 30.0
_FACTS = {"terminate": "on", "notify": "off: nobody is there", "block": "off", "isolate": "off"}


class Probe:
    """Both of the host's sessions, as the product makes them."""

    def __init__(self, folder: Path, port: int) -> None:
        """Connect, and wait until the analyzer commands."""
        self._inbox, self._spool = Inbox(), f"{time.time_ns():016x}"
        self._windows = self._outcomes = 0
        address = BrokerAddress(host="localhost", port=port)
        self._sensor = MqttSession(SENSOR, address, Inbox(), identity=Identity(folder / "probe-sensor"))
        self._enforcer = MqttSession(
            ENFORCER,
            address,
            self._inbox,
            subscriptions=(topics.command(ENFORCER),),
            facts=lambda: _FACTS,
            identity=Identity(folder / "probe-enforcer"),
        )
        for session in (self._sensor, self._enforcer):
            session.start()
        deadline = time.monotonic() + _PATIENCE
        while self.command(0.5) is None:
            if time.monotonic() > deadline:
                raise RuntimeError("the analyzer does not command")

    def close(self) -> None:
        """Go away."""
        for session in (self._sensor, self._enforcer):
            session.stop()

    def command(self, patience: float = _PATIENCE) -> float | None:
        """Return how many seconds a command takes; `None` if it does not come in time."""
        self._enforcer.heartbeat()  # commands are issued by the enforcer's clock
        self._windows += 1
        now = datetime.now(UTC)
        process = Process(pid=4_242, started=self._windows, executable=PROGRAM)
        seen = WindowFocused(seen_at=now, os="linux", title="x", uid=0, process=process, pid_from="server")
        began = time.perf_counter()
        self._report(self._sensor, SENSOR, Kind.WINDOW, self._windows, seen)
        while (left := began + patience - time.perf_counter()) > 0:
            try:
                event = self._inbox.get(timeout=left)
            except Empty:
                return None
            if isinstance(event, Received):
                took = time.perf_counter() - began
                token = event.payload.decode()
                command = decode(Command, jwt.PyJWS().decode(token, options={"verify_signature": False}))
                self._answer(command)  # notices as well: what is not answered comes again and again
                if isinstance(command.order, Terminate) and command.order.process == process:
                    return took
        return None

    def _answer(self, command: Command) -> None:
        self._outcomes += 1
        now = datetime.now(UTC)
        outcome = Outcome(
            seen_at=now,
            taken_at=now,
            command_id=command.id,
            action=command.order.action,
            status=OutcomeStatus.DONE,
            reason="ended",
        )
        self._report(self._enforcer, ENFORCER, Kind.OUTCOME, self._outcomes, outcome)

    def _report(self, session: MqttSession, who: Principal, kind: Kind, number: int, item: Message) -> None:
        fields = {"sender": str(who), "spool": self._spool, "kind": kind, "first": number}
        report = Report.model_validate({**fields, "sent_at": datetime.now(UTC), "items": (item,)})
        session.publish(topics.report(who, kind), encode(report), qos=0)
