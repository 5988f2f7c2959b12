"""Requests for certificates (PKCS #10), as they come from the network."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID
from vedette_schemas import Principal, VedetteError


class BadRequestError(VedetteError):
    """What was asked for is not given; the text is for whoever asked."""


def key_of(pem: str, principal: Principal) -> Ed25519PublicKey:
    """Return the key of a request that names `principal` and asks for nothing else.

    Raise `BadRequestError` otherwise. What the certificate will say is not for the request to choose.
    """
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        key = request.public_key()
        if not isinstance(key, Ed25519PublicKey):
            raise BadRequestError("the key of a request must be Ed25519")
        if not request.is_signature_valid:
            raise BadRequestError("a request is not signed with its own key")
        names = [(name.oid, name.value) for name in request.subject]
        asks = len(request.attributes) > 0
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion):
        raise BadRequestError("a request for a certificate can't be read") from None
    if names != [(NameOID.COMMON_NAME, str(principal))]:
        raise BadRequestError(f"a request must name {principal}, and nobody else")
    if asks:
        raise BadRequestError("a request must ask for no extensions")
    return key
