"""`vedette-broker`: an MQTT broker without anything to install."""

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import ssl
from pathlib import Path

from vedette_schemas import SettingsError
from vedette_transport import load_settings, run
from vedette_transport.revocation import Revocations
from vedette_transport.watched import Watched

from . import tls
from .admission import Admission
from .broker import HardenedBroker
from .connection import Connection
from .grievances import Grievances
from .listener import Listener
from .settings import BrokerSettings, Listen
from .switchboard import Switchboard

log = logging.getLogger(__name__)

_FAREWELL_SECONDS = 1.5
_LOOK_SECONDS = 1.0
_BACKLOG = 1_024
_OTHER_FILES = 64


class _OneLine(logging.Filter):
    """Keeps complaints about hostile clients to a line, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


class _Identity:
    """Our certificate, as it is now: one that is renewed serves the connections that follow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = Watched([folder / name for name in (tls.KEY, tls.CERTIFICATE, tls.CA)])
        self._files.changed()
        self.context = tls.server_context(folder)

    def refresh(self) -> None:
        if self._files.changed():
            try:
                self.context = tls.server_context(self._folder)
            except SettingsError as error:  # perhaps only half of it is there yet
                log.error("%s; the certificate read before stays in use", error)  # noqa: TRY400
            else:
                log.info("our certificate was read again")


def _listen(address: Listen) -> list[socket.socket]:
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return [
            socket.create_server(where[:2], family=family, backlog=_BACKLOG)
            for family, where in dict.fromkeys((each[0], each[4]) for each in found)
        ]
    except OSError as error:
        raise SettingsError(
            f"can't listen on {address}: {error.strerror}; stop what listens there or choose another port"
        ) from None


async def serve(settings: BrokerSettings) -> None:
    """Serve until SIGTERM or SIGINT; raise `SettingsError` if our address or certificate can't be used."""
    identity = _Identity(settings.identity) if settings.identity else None
    revocations = None
    if settings.crl and settings.identity:
        revocations = Revocations(settings.crl, settings.identity / tls.CA)
    admission = Admission(per_second=settings.connections_per_second, most=settings.connections)
    grievances = Grievances()
    switchboard = Switchboard(admission, grievances, plain=settings.plain, revocations=revocations)

    def context() -> ssl.SSLContext | None:
        return identity.context if identity else None

    def connection(address: str) -> Connection:
        return Connection(switchboard, address)

    sockets = _listen(settings.listen)
    broker = HardenedBroker(
        switchboard, lambda: Listener(sockets, admission, grievances, connection, context)
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await broker.start()
    log.info("listening on %s%s", settings.listen, ", without TLS" if settings.plain else "")
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
        if identity is not None:
            identity.refresh()
        switchboard.look_after()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), _FAREWELL_SECONDS)


def _program(path: Path) -> None:
    settings = load_settings(BrokerSettings, path)
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_OneLine())
    tls.save_memory()
    _allow_files(settings.connections + _OTHER_FILES)
    asyncio.run(serve(settings))


def _allow_files(number: int) -> None:
    """Raise the limit on open files as far as we need it and may; beyond that, accepting waits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Run the broker."""
    run("vedette-broker", "The embedded MQTT broker of Vedette.", _program)


if __name__ == "__main__":
    main()
