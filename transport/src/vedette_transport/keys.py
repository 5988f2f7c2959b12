"""Private keys, Ed25519 without exception."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def new_key() -> Ed25519PrivateKey:
    """Return a new one."""
    return Ed25519PrivateKey.generate()


def read_key(pem: bytes) -> Ed25519PrivateKey:
    """Return the key that a file holds; raise `ValueError`, in words, where that is none of ours."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):  # a TypeError says that it is encrypted
        raise ValueError("not a private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 (what the file holds, not what we were given)
    return key


def key_pem(key: Ed25519PrivateKey) -> bytes:
    """Return a key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
