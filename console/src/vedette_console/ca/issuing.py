"""Who gets which certificate: by a token, or by a certificate that is to be renewed."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from vedette_schemas import Enrolment, Issued, Principal, Program, principals_of
from vedette_transport.renewal_token import Asked

from .certificates import Authority
from .register import Entry, Register, key_digest
from .requests import BadRequestError, key_of

log = logging.getLogger(__name__)

_MOST_A_DAY = 10
_RENEW = frozenset({Program.SENSOR, Program.ENFORCER, Program.OPERATOR})
"""Who renews by asking; the server's own programs are given theirs."""


class BadSecretError(BadRequestError):
    """No token has that secret: whoever tries many is guessing."""


class Issuer:
    """Certifies, and writes down what it certified before it says so."""

    def __init__(self, authority: Authority, register: Register) -> None:
        """Sign with that CA, and keep that register."""
        self._authority, self._register = authority, register

    def enrol(self, wanted: Enrolment, now: datetime) -> Issued:
        """Return the certificates that a token is good for, which it then is no more.

        Asked again with the same keys the answer is the same, since it may have been lost; older certificates
        of the same principals are revoked. Raise `BadRequestError` where there is nothing to give.
        """
        with self._register.writing():
            token = self._register.token(wanted.secret)
            if token is None:
                raise BadSecretError("no such token: it was withdrawn, or is another server's")
            if now >= token.expires_at:
                when = f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
                raise BadRequestError(f"the token has expired ({when}): run 'vedette enrol' again")
            principals = principals_of(token.name)
            if len(wanted.requests) != len(principals):
                raise BadRequestError(f"this token is for {_listed(principals)}")
            keys = list(map(key_of, wanted.requests, principals))
            if token.used_at is not None:
                return self._again(wanted, principals)
            issued: list[str] = []
            for principal, key in zip(principals, keys, strict=True):
                self._register.revoke(principal, now, by=str(principal))
                certificate = self._authority.certify(principal, key, now)
                self._register.add_certificate(principal, certificate, now, secret=wanted.secret)
                issued.append(_pem(certificate))
            self._register.use_token(wanted.secret, now)
        log.info("enrolled %s", _listed(principals))
        return Issued(certificates=tuple(issued))

    def _again(self, wanted: Enrolment, principals: Sequence[Principal]) -> Issued:
        given = {(entry.principal, _key(entry)): entry for entry in self._register.issued_by(wanted.secret)}
        asked = [
            given.get((str(principal), _digest(pem)))
            for principal, pem in zip(principals, wanted.requests, strict=True)
        ]
        found = [entry.pem for entry in asked if entry is not None and entry.revoked_at is None]
        if len(found) != len(principals):
            raise BadRequestError("the token was used before: run 'vedette enrol' again")
        return Issued(certificates=tuple(found))

    def renew(self, asked: Asked, now: datetime) -> Issued:
        """Return a certificate for the next key of who has one already.

        Asked again with the same key the answer is the same. Raise `BadRequestError` where there is nothing
        to give.
        """
        renewal, principal = asked.renewal, asked.principal
        with self._register.writing():
            self._standing(asked)
            key = key_of(renewal.request, principal)
            if not self._register.first_time(renewal.id, now):
                raise BadRequestError("this request came before")
            known = self._register.issued_for(principal, _digest(renewal.request))
            if known and known[0].revoked_at is None:
                return Issued(certificates=(known[0].pem,))
            if known:
                raise BadRequestError("the certificate of that key was revoked")
            if self._register.issued_since(principal, now - timedelta(days=1)) >= _MOST_A_DAY:
                raise BadRequestError(f"{principal} had {_MOST_A_DAY} certificates within a day")
            certificate = self._authority.certify(principal, key, now)
            self._register.add_certificate(principal, certificate, now, renewed=True)
        log.info("renewed the certificate of %s", principal)
        return Issued(certificates=(_pem(certificate),))

    def _standing(self, asked: Asked) -> None:
        if asked.principal.program not in _RENEW:
            raise BadRequestError(f"{asked.principal} is given its certificates: it does not ask for them")
        entry = self._register.certificate(asked.certificate.serial_number)
        if entry is None or entry.principal != str(asked.principal):
            raise BadRequestError("the certificate is not in the register; enrol and join again")
        if entry.revoked_at is not None:
            raise BadRequestError("the certificate was revoked; enrol and join again")


def _key(entry: Entry) -> bytes:
    return key_digest(x509.load_pem_x509_certificate(entry.pem.encode()))


def _digest(request: str) -> bytes:
    return key_digest(x509.load_pem_x509_csr(request.encode()))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _listed(principals: Sequence[Principal]) -> str:
    return " and ".join(map(str, principals))
