"""Keeps an eye on what the host can't do without; the broker's name is asked for again and again."""

import threading

from vedette_transport import BrokerAddress

from .surroundings import Address, Surroundings, look_around, plain, resolve

_AGAIN = 60.0
_SOON = 5.0


class Lookout:
    """The surroundings at any time. A name that is not resolved any more keeps its last addresses."""

    def __init__(self, broker: BrokerAddress, host: str) -> None:
        """Begin to ask for the broker's address, if it is given by a name."""
        self._broker, self._host = broker, host
        self._addresses: frozenset[tuple[Address, int]] = frozenset()
        self._known = threading.Event()
        if plain(broker.host) is not None:
            self._known.set()
        else:
            threading.Thread(target=self._ask, name="resolver", daemon=True).start()

    def around(self) -> Surroundings:
        """Return how things stand now."""
        return look_around(self._broker, self._addresses, self._host)

    def wait(self, seconds: float) -> None:
        """Give the first answer some time."""
        self._known.wait(seconds)

    def _ask(self) -> None:
        sleep = threading.Event()
        while True:
            found = resolve(self._broker)
            if found:
                self._addresses = found
                self._known.set()
            sleep.wait(_AGAIN if found else _SOON)
