"""amqtt's broker, with everything that a client reaches replaced.

From amqtt come its start and end and the coding of packets. Its sessions are not used: they ask who a
client is after having touched the session of that name, and each of their other holes (docs/upstream.md)
would take an override of another private method. This overrides one.
"""

from collections.abc import Callable
from typing import Any

from amqtt.broker import Broker

from .listener import Listener
from .switchboard import Switchboard


class HardenedBroker(Broker):
    """Listens through `listen`, and leaves all else to the switchboard."""

    def __init__(self, switchboard: Switchboard, listen: Callable[[], Listener]) -> None:
        """Set up; `listen` begins to accept."""
        super().__init__({"listeners": {"default": {"type": "tcp", "bind": "unused:0"}}, "plugins": {}})
        self._switchboard, self._listen = switchboard, listen

    async def _create_server_instance(self, *_: Any, **__: Any) -> Any:
        return self._listen()

    async def shutdown(self) -> None:
        """End all connections, then what amqtt runs."""
        self._switchboard.close()
        await super().shutdown()
