"""What the embedded broker can be told."""

import ipaddress
from typing import Self

from pydantic import model_validator
from vedette_transport import BrokerAddress, Settings


class BrokerSettings(Settings):
    """Where to listen. Loopback only: whoever reaches this broker may publish and read anything."""

    listen: BrokerAddress = BrokerAddress()

    @model_validator(mode="after")
    def _loopback_only(self) -> Self:
        try:
            loopback = self.listen.host == "localhost" or ipaddress.ip_address(self.listen.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ValueError("the embedded broker listens on loopback only; use 127.0.0.1")
        return self
