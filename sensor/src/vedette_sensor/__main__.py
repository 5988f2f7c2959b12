"""vedette-sensor: takes what this host's sessions hand over, stamps it, and reports it."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field
from vedette_schemas import MessageError, Program, ProgramHashed, WindowFocused
from vedette_transport import (
    Call,
    Client,
    Event,
    FilePath,
    HostSettings,
    Inbox,
    Joined,
    Left,
    Line,
    MqttSession,
    Note,
    Outbox,
    Server,
    load_settings,
    run,
    serve,
    uplink,
)

from .hashing import Hashed, Hasher
from .observing import SYSTEM, Observed
from .pace import Pace
from .taking import Sessions

log = logging.getLogger(__name__)


class SensorSettings(HostSettings):
    """Everything that a sensor can be told, with its default."""

    socket: Path = Path("/run/vedette/sensor.sock")
    hash_limit_mib: int = Field(default=64, ge=0, le=4_096)
    spool: FilePath = Path("/var/lib/vedette/sensor-spool.db")
    spool_mib: int = Field(default=64, ge=1, le=4_096)


def main() -> None:
    """Run the program; `service` and `join` are for who sets the host up."""
    if sys.argv[1:2] == ["service"]:
        from vedette_transport import service  # noqa: PLC0415 (not loaded where it serves)

        from .service import SENSOR  # noqa: PLC0415

        service.main(SENSOR, sys.argv[2:])
    if sys.argv[1:2] == ["join"]:
        from .joining import main as join  # noqa: PLC0415 (not loaded where it serves)

        join(sys.argv[2:])
    what = "Takes what this host's sessions see, and reports it; see also: vedette-sensor service -h, join -h"
    run("vedette-sensor", what, sensor)


def sensor(path: Path) -> None:
    """Take and report until SIGTERM or SIGINT."""
    settings = load_settings(SensorSettings, path)
    inbox = Inbox()
    hasher = Hasher(inbox, settings.hash_limit_mib * 1024 * 1024)
    up = uplink(Program.SENSOR, settings)
    outbox = Outbox(up.principal, settings.spool, settings.spool_mib * 1024 * 1024)
    sessions = Sessions(hasher.known, outbox.notes())
    session = MqttSession(
        up.principal,
        up.broker,
        inbox,
        subscriptions=outbox.subscriptions,
        facts=lambda: {**sessions.facts, **outbox.facts, **up.facts},
        delivery=outbox.heartbeat,
        identity=up.identity,
    )
    server = Server(settings.socket, inbox)
    up.start()
    try:
        serve(session, inbox, _Loop(outbox, sessions, hasher).handle, outbox)
    finally:
        server.close()


class _Loop:
    """What the program does about each event."""

    def __init__(self, outbox: Outbox, sessions: Sessions, hasher: Hasher) -> None:
        self._outbox, self._sessions, self._hasher = outbox, sessions, hasher
        self._complaints = Pace(per_second=0.1, burst=3)
        self._garbage = 0

    def handle(self, event: Event) -> None:
        match event:
            case Joined(client):
                self._sessions.joined(client, client.uid)
            case Left(client):
                self._sessions.left(client)
            case Line(client, line):
                try:
                    self._take(client, line)
                finally:
                    client.handled()
            case Call(Hashed() as hashed):
                self._report_hash(hashed)
            case _:
                pass

    def _take(self, client: Client, line: bytes) -> None:
        try:
            answer = self._sessions.read(client, line)
        except MessageError as error:
            self._refuse(client, error)
            return
        if answer is None:
            return
        if answer.observation is not None:
            self._report(answer.observation, answer.note)
        client.send(answer.taken)

    def _report(self, observation: Observed, note: Note) -> None:
        self._outbox.put(observation, note)
        if isinstance(observation, WindowFocused) and observation.process and observation.uid is not None:
            self._hasher.ask(observation.process, observation.uid)

    def _report_hash(self, hashed: Hashed) -> None:
        """Report the program anew: its window was reported before the hash was known."""
        self._hasher.learned(hashed)
        now = datetime.now(UTC)
        self._outbox.put(
            ProgramHashed(
                seen_at=now, os=SYSTEM, process=hashed.process, uid=hashed.uid, sha256=hashed.sha256
            )
        )

    def _refuse(self, client: Client, error: MessageError) -> None:
        """Cut off a session that writes garbage; the log says so at a pace that garbage can't raise."""
        client.cut()
        self._sessions.left(client)
        self._garbage += 1
        if self._complaints.rested():
            self._complaints.spend()
            log.warning("cut off a session of uid %d: %s (%d so far)", client.uid, error, self._garbage)


if __name__ == "__main__":
    main()
