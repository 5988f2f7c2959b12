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
from vedette_transport import BrokerAddress, Call, Event, Inbox, MqttSession, Outbox, Stop, serve

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


def main() -> None:
    """Say `ready`; told to go, put all; say `spooled`, and `acked` once nothing is left."""
    port, spool = int(sys.argv[1]), Path(sys.argv[2])
    principal, inbox = Principal(Program.SENSOR, "host-7"), Inbox()
    outbox = Outbox(principal, spool, 2**30)
    session = MqttSession(
        principal,
        BrokerAddress(port=port),
        inbox,
        subscriptions=outbox.subscriptions,
        delivery=outbox.heartbeat,
    )
    observations = [observation(number) for number in range(COUNT)]
    done = threading.Event()

    def feed() -> None:
        sys.stdin.readline()
        for each in observations:
            inbox.put(Call(each))
        while not done.wait(_LOOK_SECONDS):
            inbox.put(Call(_Look()))

    left = COUNT

    def handle(event: Event) -> None:
        nonlocal left
        match event:
            case Call(_Look()):
                streams = outbox.heartbeat().streams
                if all(stream.oldest == stream.next for stream in streams):
                    _say("acked")
                    done.set()
                    sys.stdin.readline()
                    inbox.put(Stop())
            case Call(each):
                outbox.put(each)  # type: ignore[arg-type]
                left -= 1
                if left == 0:
                    _say("spooled")
            case _:
                if type(event).__name__ == "Connected":
                    _say("ready")

    threading.Thread(target=feed, daemon=True).start()
    serve(session, inbox, handle, outbox)


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
