"""What the embedded broker can be told."""

import ipaddress
from typing import Self

from pydantic import model_validator
from vedette_transport import BrokerAddress, Settings


class BrokerSettings(Settings):
    """Where to listen. Loopback only: whoever reaches this broker may publish and read anything.

    `in_container`: who reaches it is for the container's engine to say, so any address will do.
    """

    listen: BrokerAddress = BrokerAddress()
    in_container: bool = False

    @model_validator(mode="after")
    def _loopback_only(self) -> Self:
        try:
            loopback = self.listen.host == "localhost" or ipaddress.ip_address(self.listen.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback and not self.in_container:
            raise ValueError("the embedded broker listens on loopback only; use 127.0.0.1")
        return self
