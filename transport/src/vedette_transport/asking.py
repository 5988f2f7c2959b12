"""Asking the server's CA, over HTTPS."""

import http.client
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from vedette_schemas import (
    MessageError,
    Principal,
    Refusal,
    SettingsError,
    VedetteError,
    decode,
)

from .identity import principal_of, require_issued
from .settings import Address
from .tls import tls_trouble

_SECONDS = 15.0
_MOST_BYTES = 64 * 1024
_OK = 200


class NotReachedError(VedetteError):
    """The CA can't be asked now; later it may be."""


class RefusedError(VedetteError):
    """The CA does not do what it was asked, or did something else."""


def ask(address: Address, context: ssl.SSLContext, path: str, body: bytes | None = None) -> bytes:
    """Return what the CA answers to a GET, or to a POST of `body`.

    Raise `NotReachedError` where there is no answer, `RefusedError` where it says no.
    """
    connection = http.client.HTTPSConnection(address.host, address.port, timeout=_SECONDS, context=context)
    try:
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        content = answer.read(_MOST_BYTES)
    except ssl.SSLError as error:
        raise NotReachedError(f"no CA at {address} to trust: {tls_trouble(error)}") from None
    except OSError as error:
        raise NotReachedError(
            f"can't reach the CA at {address} ({error.strerror or error}); is 'vedette ca serve' running?"
        ) from None
    except http.client.HTTPException:
        raise NotReachedError(
            f"what listens at {address} is no CA of Vedette's; is the port right?"
        ) from None
    finally:
        connection.close()
    if answer.status != _OK:
        raise RefusedError(_words(content, answer.status, address))
    return content


def _words(content: bytes, status: int, address: Address) -> str:
    try:
        words = decode(Refusal, content).words
    except MessageError:
        return f"the CA at {address} answers with an error ({status})"
    return "".join(each if each.isprintable() else "?" for each in words)


def request_for(principal: Principal, key: Ed25519PrivateKey) -> str:
    """Return a request (PKCS #10) for a certificate of `principal` and this key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(principal))])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, None)
    return request.public_bytes(Encoding.PEM).decode()


def certificate_for(principal: Principal, key: Ed25519PrivateKey, pem: str, ca: x509.Certificate) -> bytes:
    """Return a certificate that came back (PEM); raise `RefusedError` unless it is what was asked for."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        require_issued(certificate, ca, "what came back")
        if certificate.public_key() != key.public_key() or principal_of(certificate) != principal:
            raise ValueError
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        if constraints.value.ca:
            raise ValueError
    except (ValueError, x509.InvalidVersion, x509.ExtensionNotFound, SettingsError):
        raise RefusedError(
            f"the CA answered with something else than a certificate for {principal}"
        ) from None
    return certificate.public_bytes(Encoding.PEM)
