"""What has to be there before a server of one host can begin: who its programs are, by its own CA."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from vedette_schemas import Principal, Program, SettingsError
from vedette_transport.asking import NotReachedError, RefusedError
from vedette_transport.identity import Identity
from vedette_transport.joining import join, pinned
from vedette_transport.renewing import due
from vedette_transport.settings import Address

from .ca import enrol, published_ca
from .deployment import Deployment, operator_label

_TOKEN_LIFE = timedelta(minutes=5)
READER = "reader/operator"
"""The identity for an MQTT client that only listens."""

SCREEN = "screen/operator"
"""The identity of 'vedette up' itself, whose screen shows what comes."""


def is_established(deployment: Deployment) -> bool:
    """Have this host and whoever runs us join, as any host does; tell whether that is done.

    The CA has just been started: once it answers it has made the server's own identities. Raise
    `VedetteError` where one can't join at all.
    """
    try:
        pinned(Address(host="localhost", port=deployment.ca_port), _fingerprint(deployment))
        _have_joined(deployment)
    except NotReachedError:
        return False
    except RefusedError as error:
        raise SettingsError(f"{error}; if something else uses that port, choose another --ca-port") from None
    return True


def _have_joined(deployment: Deployment) -> None:
    operator = operator_label()
    _have(deployment, str(Principal(Program.OPERATOR, operator)), "operator")
    _have(deployment, str(Principal(Program.OPERATOR, f"{operator[:56]}-screen")), SCREEN)
    if not deployment.broker.plain:
        # A certificate is for one connection: who listens all day does not act by the same one.
        _have(deployment, str(reader(operator)), READER)
        _have(deployment, deployment.host, "sensor", "enforcer")


def reader(operator: str) -> Principal:
    """Return by which name another MQTT client of this operator connects."""
    return Principal(Program.OPERATOR, f"{operator[:56]}-reader")


def _have(deployment: Deployment, name: str, *folders: str) -> None:
    """Join under this name, unless these identities are still good."""
    if not all(_is_good(name, deployment.identity(folder)) for folder in folders):
        _join(deployment, name, folders[0])


def _fingerprint(deployment: Deployment) -> str:
    return published_ca(deployment.folder / "ca").fingerprint(hashes.SHA256()).hex()


def _join(deployment: Deployment, name: str, folder: str) -> None:
    """Join here, by loopback."""
    token = enrol(
        deployment.folder / "ca",
        name,
        _TOKEN_LIFE,
        datetime.now(UTC),
        ca=Address(host="localhost", port=deployment.ca_port),
        broker=Address(host=deployment.broker.host, port=deployment.broker.port),
    )
    join(token.write(), deployment.identity(folder).parent, operator=token.is_operators)


def _is_good(name: str, folder: Path) -> bool:
    """Tell whether an identity will do, and for long enough."""
    try:
        found = Identity(folder)
    except SettingsError:
        return False
    if found.principal.program is Program.OPERATOR and due(found.begins_at, found.ends_at, datetime.now(UTC)):
        return False
    return name in (str(found.principal), found.principal.host)
