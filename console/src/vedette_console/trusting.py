"""What has to be there before a server of one host can begin: who its programs are, by its own CA."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from vedette_schemas import Principal, Program, SettingsError
from vedette_transport.asking import NotReachedError
from vedette_transport.identity import Identity
from vedette_transport.joining import join, pinned
from vedette_transport.renewing import due
from vedette_transport.settings import Address

from .ca import enrol, published_ca
from .deployment import Deployment, operator_label

_TOKEN_LIFE = timedelta(minutes=5)


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
    return True


def _have_joined(deployment: Deployment) -> None:
    wanted = [Principal(Program.OPERATOR, operator_label())]
    if not deployment.broker.plain:
        wanted.append(Principal(Program.SENSOR, deployment.host))
        wanted.append(Principal(Program.ENFORCER, deployment.host))
    missing = [each for each in wanted if not _is_good(each, deployment.identity(each.program))]
    for name in dict.fromkeys(
        str(each) if each.program is Program.OPERATOR else each.host for each in missing
    ):
        _join(deployment, name)


def _fingerprint(deployment: Deployment) -> str:
    return published_ca(deployment.folder / "ca").fingerprint(hashes.SHA256()).hex()


def _join(deployment: Deployment, name: str) -> None:
    """Join here, by loopback."""
    token = enrol(
        deployment.folder / "ca",
        name,
        _TOKEN_LIFE,
        datetime.now(UTC),
        ca=Address(host="localhost", port=deployment.ca_port),
        broker=Address(host=deployment.broker.host, port=deployment.broker.port),
    )
    join(token.write(), deployment.identity(""), operator=token.is_operators)


def _is_good(principal: Principal, folder: Path) -> bool:
    """Tell whether an identity will do, and its program can renew it."""
    try:
        found = Identity(folder)
    except SettingsError:
        return False
    if principal.program is Program.OPERATOR and due(found.begins_at, found.ends_at, datetime.now(UTC)):
        return False
    return found.principal == principal
