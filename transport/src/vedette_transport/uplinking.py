"""Who a host's program is, and where its server is: by its settings, and by what joining left."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import model_validator
from vedette_schemas import HostName, Principal, Program, SettingsError

from .joined import IDENTITIES, Server
from .settings import BrokerAddress, Settings

if TYPE_CHECKING:
    from .credentials import Certified, Credentials
    from .renewing import Renewer


class HostSettings(Settings):
    """What a host's program is told of itself and of its server; as a rule nothing.

    `identity` is the folder with its key and certificate, by default where `vedette-sensor join` puts it.
    The certificate says who it is, `server.toml` beside that folder where the broker is; `broker` says
    otherwise. `broker.plain = true` does without TLS and identity: then, and only then, `host` is needed.
    """

    identity: Path | None = None
    host: HostName | None = None
    broker: BrokerAddress | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.broker is not None and self.broker.plain and self.host is None:
            raise ValueError("'host' is missing: without TLS no certificate says who this is")
        return self


class Uplink(NamedTuple):
    """Who we are, where the broker is, what we show there, and what keeps that current."""

    principal: Principal
    broker: BrokerAddress
    identity: "Credentials[Certified] | None"
    renewer: "Renewer | None"

    @property
    def facts(self) -> Mapping[str, str]:
        """How the certificate stands, for heartbeats."""
        return self.renewer.facts if self.renewer else {}

    def start(self) -> None:
        """Begin to see to the certificate, where there is one to renew."""
        if self.renewer:
            self.renewer.start()


def where_broker_is(program: Program, settings: HostSettings) -> BrokerAddress:
    """Return where the broker is, whether or not our certificate is any good.

    Raise `SettingsError` where neither the settings nor `server.toml` say it.
    """
    return settings.broker or Server.beside(settings.identity or IDENTITIES / program).broker


def uplink(program: Program, settings: HostSettings) -> Uplink:
    """Return what a program's settings come to; raise `SettingsError` where it can't be."""
    if settings.broker is not None and settings.broker.plain:
        assert settings.host is not None  # noqa: S101 (the settings' own rule)
        return Uplink(Principal(program, settings.host), settings.broker, None, None)
    from .apart import read_apart  # noqa: PLC0415 (TLS takes 6 MB, which a user's session does without)
    from .credentials import Credentials  # noqa: PLC0415
    from .renewing import Renewer  # noqa: PLC0415

    folder = settings.identity or IDENTITIES / program
    identity = Credentials(folder, read_apart)
    principal = identity.principal
    if principal.program is not program:
        raise SettingsError(f"{folder}: is the identity of {principal}, not of a {program}")
    if settings.host not in (None, principal.host):
        raise SettingsError(f"'host' is {settings.host}, but {folder} says {principal.host}; leave it out")
    renewer = Renewer(identity, Server.beside(folder).ca) if Server.is_beside(folder) else None
    return Uplink(principal, where_broker_is(program, settings), identity, renewer)
