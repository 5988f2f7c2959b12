"""Our certificate, and what a client's says: TLS 1.2 or later, with a certificate of the deployment's CA."""

import ssl
from asyncio import sslproto
from pathlib import Path
from typing import NamedTuple

from vedette_schemas import SettingsError

KEY, CERTIFICATE, CA = "key.pem", "certificate.pem", "ca.pem"

_READ_BYTES = 16 * 1024


def save_memory() -> None:
    """Have asyncio set aside one TLS record a connection, not the 256 KiB that it would write zeros to."""
    sslproto.SSLProtocol.max_size = _READ_BYTES


def server_context(identity: Path) -> ssl.SSLContext:
    """Return what connections are accepted with; raise `SettingsError` if the folder is of no use."""
    for name in (KEY, CERTIFICATE, CA):
        try:
            (identity / name).read_bytes()
        except OSError as error:
            raise SettingsError(f"{identity / name}: can't be read: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET  # a session that is resumed is not verified again
    context.num_tickets = 0
    try:
        context.load_verify_locations(identity / CA)
    except (ssl.SSLError, ValueError):
        raise SettingsError(f"{identity / CA}: not a certificate in PEM") from None
    try:
        context.load_cert_chain(identity / CERTIFICATE, identity / KEY, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(f"{identity}: {KEY} and {CERTIFICATE} can't be used: {_words(error)}") from None
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")  # or OpenSSL would ask the terminal


def _words(error: Exception) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
    return str(reason or "not PEM").replace("_", " ").lower()


class Peer(NamedTuple):
    """What a verified certificate says of its holder."""

    name: str
    serial: int
    ends: float
    """When it expires, in seconds since 1970."""


def read_peer(connection: ssl.SSLObject) -> Peer | None:
    """Return whom the client's certificate names; `None` if it names none, or several."""
    certificate = connection.getpeercert()
    if not certificate:
        return None
    subject: tuple[tuple[tuple[str, str], ...], ...] = certificate["subject"]  # type: ignore[assignment]
    names = [value for part in subject for key, value in part if key == "commonName"]
    if len(names) != 1:
        return None
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return Peer(names[0], int(str(certificate["serialNumber"]), 16), float(ends))
