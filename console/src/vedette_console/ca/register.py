"""What the CA remembers (SQLite): tokens that were made, certificates that were issued, and who did that."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from vedette_schemas import Principal

from .certificates import Revoked
from .register_file import explained, opened, transaction

_TOKEN_ID = 16


class Token(NamedTuple):
    """A token that was made."""

    name: str
    expires_at: datetime
    used_at: datetime | None


class Entry(NamedTuple):
    """A certificate that was issued."""

    principal: str
    serial: int
    issued_at: datetime
    ends_at: datetime
    replaced_at: datetime | None
    revoked_at: datetime | None
    pem: str


_ENTRY = "principal, serial, issued_at, not_after, replaced_at, revoked_at, pem"


class Register:
    """The CA's books. What is said to a caller has been written durably before."""

    def __init__(self, path: Path) -> None:
        """Open the register; raise `SettingsError` where it is not there, damaged or another's."""
        self.path = path
        self._connection = opened(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Generator[None]:
        """Do all that is within as one, or nothing of it; nobody else writes meanwhile."""
        with explained(self.path), transaction(self._connection):
            yield

    def state(self) -> int:
        """Return a number that is another once some other process has written."""
        with explained(self.path):
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def add_token(self, secret: str, name: str, now: datetime, expires_at: datetime, by: str) -> None:
        """Remember a token, not its secret, and who made it."""
        row = (_digest(secret), name, _at(now), _at(expires_at))
        self._connection.execute(
            "INSERT INTO tokens (secret, name, made_at, expires_at) VALUES (?, ?, ?, ?)", row
        )
        words = f"{name} may join until {expires_at:%Y-%m-%d %H:%M} UTC"
        self._note(now, by, "token.made", words, _token_id(row[0]), of=name)

    def token(self, secret: str) -> Token | None:
        """Return the token with that secret."""
        row = self._connection.execute(
            "SELECT name, expires_at, used_at FROM tokens WHERE secret = ?", (_digest(secret),)
        ).fetchone()
        return row and Token(row[0], _time(row[1]), row[2] and _time(row[2]))

    def open_tokens(self, now: datetime) -> list[Token]:
        """Return the tokens that can still be used, by name."""
        query = """SELECT name, expires_at FROM tokens WHERE used_at IS NULL AND expires_at > ?
            ORDER BY name, expires_at"""
        return [Token(name, _time(ends), None) for name, ends in self._connection.execute(query, (_at(now),))]

    def use_token(self, secret: str, now: datetime) -> None:
        """Remember that a token was used."""
        self._connection.execute(
            "UPDATE tokens SET used_at = ? WHERE secret = ?", (_at(now), _digest(secret))
        )

    def issued_by(self, secret: str) -> list[Entry]:
        """Return what was issued by a token."""
        return self._entries("token = ?", _digest(secret))

    def issued_for(self, principal: Principal, key: bytes) -> list[Entry]:
        """Return what was issued for a principal's key (its SHA-256)."""
        return self._entries("principal = ? AND key = ?", str(principal), key)

    def issued_since(self, principal: Principal, since: datetime) -> int:
        """Return how many certificates a principal has got since then."""
        query = "SELECT count(*) FROM certificates WHERE principal = ? AND issued_at >= ?"
        (count,) = self._connection.execute(query, (str(principal), _at(since))).fetchone()
        return int(count)

    def certificate(self, serial: int) -> Entry | None:
        """Return the certificate with that serial number."""
        return next(iter(self._entries("serial = ?", f"{serial:x}")), None)

    def add_certificate(
        self,
        principal: Principal,
        certificate: x509.Certificate,
        now: datetime,
        *,
        secret: str | None = None,
        renewed: bool = False,
        by: Principal | None = None,
    ) -> None:
        """Remember a certificate, in the place of those that its principal had; `by`: not for its asking."""
        self._connection.execute(
            "UPDATE certificates SET replaced_at = ? WHERE principal = ? AND replaced_at IS NULL",
            (_at(now), str(principal)),
        )
        row = (
            f"{certificate.serial_number:x}",
            str(principal),
            principal.host,
            key_digest(certificate),
            secret and _digest(secret),
            _at(now),
            _at(certificate.not_valid_after_utc),
            certificate.public_bytes(Encoding.PEM).decode(),
        )
        self._connection.execute(
            "INSERT INTO certificates (serial, principal, host, key, token, issued_at, not_after, pem)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        words = f"{principal}, until {certificate.not_valid_after_utc:%Y-%m-%d}"
        if secret:
            words += f", by token {_token_id(_digest(secret))}"
        what = "certificate.renewed" if renewed else "certificate.issued"
        self._note(now, str(by or principal), what, words, row[0], of=str(principal))

    def revoke(self, principal: Principal, now: datetime, by: str) -> int:
        """Revoke all that a principal holds; return how many certificates that are."""
        query = (
            "UPDATE certificates SET revoked_at = ?1"
            " WHERE principal = ?2 AND revoked_at IS NULL AND not_after > ?1 RETURNING serial"
        )
        found = self._connection.execute(query, (_at(now), str(principal))).fetchall()
        for (serial,) in found:
            self._note(now, by, "certificate.revoked", f"one of {principal}'s", serial, of=str(principal))
        return len(found)

    def withdraw_tokens(self, name: str, now: datetime, by: str) -> int:
        """Make the unused tokens of a name worthless; return how many there were."""
        query = "DELETE FROM tokens WHERE name = ? AND used_at IS NULL RETURNING secret"
        found = self._connection.execute(query, (name,)).fetchall()
        for (secret,) in found:
            self._note(now, by, "token.withdrawn", f"{name} may not join by it", _token_id(secret), of=name)
        return len(found)

    def forget(self, now: datetime) -> None:
        """Forget what is over: tokens after a month, renewals after a day, all else after a year."""
        from .deeds import cut  # noqa: PLC0415 (see _note)

        for table, column, days in (
            ("tokens", "expires_at", 30),
            ("certificates", "not_after", 365),
            ("renewals", "at", 1),
        ):
            over = _at(now - timedelta(days=days))
            self._connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (over,))  # noqa: S608
        cut(self._connection, now)

    def first_time(self, id_: UUID, now: datetime) -> bool:
        """Tell whether a renewal comes for the first time, and remember it."""
        query = "INSERT OR IGNORE INTO renewals (id, at) VALUES (?, ?)"
        return self._connection.execute(query, (id_.bytes, _at(now))).rowcount == 1

    def revoked(self, now: datetime) -> list[Revoked]:
        """Return what is revoked and not over yet, in the order of their numbers."""
        query = "SELECT serial, revoked_at FROM certificates WHERE revoked_at NOT NULL AND not_after >= ?"
        with explained(self.path):
            rows = self._connection.execute(query + " ORDER BY serial", (_at(now),)).fetchall()
        return [Revoked(int(serial, 16), _time(at)) for serial, at in rows]

    def operators(self, now: datetime) -> list[Principal]:
        """Return the operators who hold a certificate that is good, by name."""
        query = (
            "SELECT DISTINCT principal FROM certificates"
            " WHERE principal GLOB 'operator@*' AND revoked_at IS NULL AND not_after >= ? ORDER BY principal"
        )
        with explained(self.path):
            rows = self._connection.execute(query, (_at(now),)).fetchall()
        return [Principal.parse(name) for (name,) in rows]

    def entries(self) -> list[Entry]:
        """Return all certificates, by principal, the newest first."""
        with explained(self.path):
            return self._entries("1")

    def _entries(self, where: str, *values: object) -> list[Entry]:
        rows = self._connection.execute(
            f"SELECT {_ENTRY} FROM certificates WHERE {where} ORDER BY principal, issued_at DESC, rowid DESC",  # noqa: S608 (texts of our own)
            values,
        )
        return [
            Entry(
                name, int(serial, 16), _time(issued), _time(ends), old and _time(old), bad and _time(bad), pem
            )
            for name, serial, issued, ends, old, bad, pem in rows
        ]

    def _note(self, now: datetime, who: str, what: str, words: str, about: str, of: str = "") -> None:
        """Put down what was done, in the transaction that is open; `of` is whom it is about."""
        from .deeds import host_of, note  # noqa: PLC0415 (SQLAlchemy takes longer than all else that reads us)

        note(self._connection, now, who, what, words, about=about, host=host_of(of) if of else "")


def key_digest(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """Return the SHA-256 of a public key."""
    key = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).digest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _token_id(digest: bytes) -> str:
    """Return what names a token, and is no secret: the beginning of its secret's SHA-256."""
    return digest.hex()[:_TOKEN_ID]


def _at(time: datetime) -> int:
    return int(time.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
