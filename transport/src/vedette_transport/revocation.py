"""Which certificates are revoked, by the CA's list.

We look into it ourselves: OpenSSL would refuse everyone once the list has lapsed.
"""

import logging
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from vedette_schemas import SettingsError

from .watched import Watched

log = logging.getLogger(__name__)


class Revocations:
    """The serial numbers on a CRL that is watched, and when it was signed. Only the CA's own list counts."""

    def __init__(self, crl: Path, ca: Path) -> None:
        """Read the list; raise `SettingsError` if it can't be used."""
        self._crl, self._ca = crl, ca
        self._files = Watched([crl, ca])
        self._files.changed()
        self.serials, self.issued_at = _read(crl, ca)

    def refresh(self) -> bool:
        """Tell whether the list has changed; one that can't be used leaves what is in force, and is said."""
        if not self._files.changed():
            return False
        before = self.serials
        try:
            self.serials, self.issued_at = _read(self._crl, self._ca)
        except SettingsError as error:
            log.error("%s; the list read before stays in force", error)  # noqa: TRY400
        return self.serials != before


def _read(crl: Path, ca: Path) -> tuple[frozenset[int], datetime]:
    try:
        authorities = x509.load_pem_x509_certificates(ca.read_bytes())
        revoked = x509.load_pem_x509_crl(crl.read_bytes())
        if not any(_signed(revoked, authority) for authority in authorities):
            raise SettingsError(f"{crl}: a revocation list that our CA has not signed")
        return frozenset(each.serial_number for each in revoked), revoked.last_update_utc
    except OSError as error:
        raise SettingsError(f"{crl}: the revocation list can't be read: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{crl}: not a revocation list in PEM") from None


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    key = authority.public_key()
    if crl.issuer != authority.subject or not isinstance(
        key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)
    ):
        return False
    try:
        return crl.is_signature_valid(key)
    except InvalidSignature:
        return False
