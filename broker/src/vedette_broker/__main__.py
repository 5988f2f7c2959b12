"""`vedette-broker`: an MQTT broker without anything to install."""

import asyncio
import contextlib
import logging
import signal
import socket
from pathlib import Path

from amqtt.errors import AMQTTError
from vedette_schemas import SettingsError
from vedette_transport import BrokerAddress, load_settings, run

from .bounded import BoundedBroker
from .settings import BrokerSettings

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 2_000
FAREWELL_SECONDS = 2.0


class _OneLine(logging.Filter):
    """Keeps the broker's complaints about hostile clients to a line, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


def _take_port(listen: BrokerAddress) -> None:
    """Find out in words why a port can't be had; amqtt would tell it with a traceback."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except OSError as error:
            raise SettingsError(
                f"can't listen on {listen}: {error.strerror}; stop what listens there or choose another port"
            ) from None


async def serve(settings: BrokerSettings) -> None:
    """Serve until SIGTERM or SIGINT; raise `SettingsError` if the address can't be had."""
    _take_port(settings.listen)
    host = f"[{settings.listen.host}]" if ":" in settings.listen.host else settings.listen.host
    broker = BoundedBroker(
        {
            "listeners": {
                "default": {
                    "type": "tcp",
                    "bind": f"{host}:{settings.listen.port}",
                    "max_connections": MAX_CONNECTIONS,
                }
            },
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        await broker.start()
    except AMQTTError as error:
        raise SettingsError(f"can't listen on {settings.listen}: {error}") from None
    log.info("listening on %s", settings.listen)
    await ended.wait()
    with contextlib.suppress(TimeoutError):  # one that hung has left amqtt waiting for it for good
        await asyncio.wait_for(broker.shutdown(), FAREWELL_SECONDS)


def _program(path: Path) -> None:
    settings = load_settings(BrokerSettings, path)
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_OneLine())
    asyncio.run(serve(settings))


def main() -> None:
    """Run the broker."""
    run("vedette-broker", "The embedded MQTT broker of Vedette, for loopback.", _program)


if __name__ == "__main__":
    main()
