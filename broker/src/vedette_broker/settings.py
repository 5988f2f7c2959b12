"""What the embedded broker can be told."""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from vedette_transport import Settings
from vedette_transport.settings import Address


class Listen(Address):
    """Where the broker listens."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=8883, ge=1, le=65_535)


class BrokerSettings(Settings):
    """Where to listen, and as whom.

    `identity`: a folder with `key.pem`, `certificate.pem` and `ca.pem`; a client needs that CA's certificate.
    `crl`: the CA's revocation list, in PEM.
    `plain`: no TLS, so on loopback only: whoever reaches this broker may publish and read anything.
    `connections`: how many there may be; `connections_per_second`: how many new ones from one address.
    """

    listen: Listen = Listen()
    identity: Path | None = None
    crl: Path | None = None
    plain: bool = False
    connections: int = Field(default=2_000, ge=1, le=60_000)
    connections_per_second: int = Field(default=100, ge=1, le=10_000)

    @model_validator(mode="after")
    def _tls_or_plain(self) -> Self:
        if self.plain and (self.identity or self.crl):
            raise ValueError("'plain = true' means without TLS: leave 'identity' and 'crl' out, or 'plain'")
        if not self.plain and self.identity is None:
            raise ValueError(
                "'identity' is missing: the folder with key.pem, certificate.pem and ca.pem;"
                " 'plain = true' does without TLS, on loopback only"
            )
        return self

    @model_validator(mode="after")
    def _plain_on_loopback_only(self) -> Self:
        try:
            loopback = self.listen.host == "localhost" or ipaddress.ip_address(self.listen.host).is_loopback
        except ValueError:
            loopback = False
        if self.plain and not loopback:
            raise ValueError("without TLS the embedded broker listens on loopback only; use 127.0.0.1")
        return self
