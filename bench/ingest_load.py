"""What a sensor does with `COUNT` observations at once: the product's spool, outbox, session and loop."""

import sys
import threading
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from vedette_schemas import (
    ClipboardCopied,
    ConnectionOpened,
    Observation,
    Principal,
    Process,
    ProcessStarted,
    Program,
    WindowFocused,
)
from vedette_transport import (
    Asked,
    BrokerAddress,
    Call,
    Connected,
    Event,
    Inbox,
    MqttSession,
    Outbox,
    Stop,
    serve,
)

COUNT = 100_000
_LOOK_SECONDS = 0.02
_NOW = datetime.now(UTC)


def observation(number: int) -> Observation:
    """Return what an office's hosts see: of ten, four connections, three programs, two windows, a copy."""
    process = Process(
        pid=1000 + number % 30_000, started=number, executable=f"/usr/lib/some/program-{number % 97}"
    )
    match number % 10:
        case 0 | 1 | 2 | 3:
            address = IPv4Address((10 << 24) + number % 65_536)
            host = f"host-{number % 300}.example.org"
            return ConnectionOpened(
                seen_at=_NOW, os="linux", address=address, port=443, host=host, process=process, uid=1000
            )
        case 4 | 5 | 6:
            return ProcessStarted(seen_at=_NOW, os="linux", process=process, uid=1000, sha256="ab" * 32)
        case 7 | 8:
            title = f"Quarterly report {number} – notes and figures - Some Editor"
            return WindowFocused(
                seen_at=_NOW, os="linux", title=title, uid=1000, process=process, pid_from="server"
            )
        case _:
            text = f"a line that somebody copied, number {number}"
            return ClipboardCopied(seen_at=_NOW, text=text, length=len(text), uid=1000)


class _Look:
    """See whether all is acked."""


class _Load:
    """The program: what `vedette-sensor` does, but that observations come from here."""

    def __init__(self, port: int, spool: Path) -> None:
        self._inbox = Inbox()
        principal = Principal(Program.SENSOR, "host-7")
        self._outbox = Outbox(principal, spool, 2**30)
        self._session = MqttSession(
            principal,
            BrokerAddress(port=port, plain=True),
            self._inbox,
            subscriptions=self._outbox.subscriptions,
            delivery=self._outbox.heartbeat,
        )
        self._observations = [observation(number) for number in range(COUNT)]
        self._left = COUNT
        self._done = threading.Event()

    def run(self) -> None:
        """Go on until all is acked and that was taken note of."""
        threading.Thread(target=self._feed, daemon=True).start()
        serve(self._session, self._inbox, self._handle, self._outbox)

    def _feed(self) -> None:
        sys.stdin.readline()
        for each in self._observations:
            self._inbox.put(Call(each))
        while not self._done.wait(_LOOK_SECONDS):
            self._inbox.put(Call(_Look()))

    def _handle(self, event: Event) -> None:
        match event:
            case Connected():
                _say("connected")
            case Asked():  # the analyzer is there
                _say("ready")
            case Call(_Look()):
                self._look()
            case Call(each):
                self._outbox.put(each)  # type: ignore[arg-type]
                self._left -= 1
                if self._left == 0:
                    _say("spooled")
            case _:
                pass

    def _look(self) -> None:
        streams = self._outbox.heartbeat().streams
        if not self._done.is_set() and all(stream.oldest == stream.next for stream in streams):
            self._done.set()
            _say("acked")
            sys.stdin.readline()
            self._inbox.put(Stop())


def main() -> None:
    """Say `connected`, and `ready` once an analyzer is; told to go, put all: `spooled`, then `acked`."""
    _Load(int(sys.argv[1]), Path(sys.argv[2])).run()


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
