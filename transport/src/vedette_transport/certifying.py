"""Renews an identity, or reads it, for programs that do without cryptography: the child of `apart`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.serialization import Encoding
from vedette_schemas import Issued, MessageError, Renewal, SettingsError, VedetteError, decode

from .apart import Answer
from .asking import RefusedError, ask, certificate_for, request_for
from .credentials import Certified
from .identity import Identity
from .keys import read_key
from .renewal_token import sign_renewal
from .settings import Address
from .tls import trusting


def renew(identity: Identity, ca: Address) -> None:
    """Have a new key certified, and take it.

    The old certificate stays valid until its end. Raise `SettingsError` where the identity can't be used or
    written, `NotReachedError` and `RefusedError` as `ask` does.
    """
    try:
        with identity.folder.changing():
            identity.refresh()
            _renew(identity, ca)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or identity.folder.path}: can't be written: {error.strerror}"
        ) from None


def _renew(identity: Identity, ca: Address) -> None:
    key = identity.folder.key_for(f"renewal of {identity.certificate.serial_number}")
    renewal = Renewal(
        id=uuid4(),
        issuer=str(identity.principal),
        issued_at=datetime.now(UTC),
        request=request_for(identity.principal, key),
    )
    try:
        present = read_key(identity.folder.files().key.read_bytes())
    except ValueError as error:
        raise SettingsError(f"{identity.folder.path}: {error}") from None
    pem = identity.ca.public_bytes(Encoding.PEM)
    token = sign_renewal(renewal, present, identity.certificate)
    answer = ask(ca, trusting(pem.decode()), "/renew", token)
    try:
        (issued,) = decode(Issued, answer).certificates
    except (MessageError, ValueError):
        raise RefusedError("the CA's answer can't be read; is it of another version?") from None
    identity.folder.take(certificate_for(identity.principal, key, issued, identity.ca), pem)
    identity.refresh()


def _answer(folder: Path, ca: str = "") -> Answer:
    try:
        found = Identity(folder)
        if ca:
            renew(found, Address.parse(ca))
    except VedetteError as error:
        return Answer(trouble=str(error))
    pem = found.ca.public_bytes(Encoding.PEM).decode()
    return Answer(certified=Certified(found.principal, found.begins_at, found.ends_at, pem))


def main() -> None:
    """Read the identity in the folder that is named, renewed first if a CA is named too; say what is so."""
    folder, *rest = sys.argv[1:]
    sys.stdout.write(_answer(Path(folder), *rest).model_dump_json())


if __name__ == "__main__":
    main()
