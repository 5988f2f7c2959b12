"""What the CA remembers: the tokens that were made and the certificates that were issued (SQLite)."""

import hashlib
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from vedette_schemas import Principal, SettingsError

from ..private import ours
from .certificates import Revoked

_VERSION = 1
_WAIT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE tokens (
    secret BLOB PRIMARY KEY, -- SHA-256
    name TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY, -- hexadecimal: it has 160 bits
    principal TEXT NOT NULL,
    host TEXT NOT NULL,
    key BLOB NOT NULL,       -- SHA-256 of the public key
    token BLOB,              -- by which it was issued, if by one
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    replaced_at INTEGER,
    revoked_at INTEGER,
    pem TEXT NOT NULL
) STRICT;
CREATE INDEX certificates_principal ON certificates (principal, issued_at);
CREATE TABLE renewals (id BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE INDEX renewals_at ON renewals (at);
"""


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
        if not path.exists():
            raise SettingsError(f"{path}: is not there; restore it from a backup, or make a new CA elsewhere")
        ours(path, secret=True)
        with self._readable():
            self._connection = _connect(path)
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            (state,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if version != _VERSION:
            raise SettingsError(f"{path}: is of version {version}, and this Vedette knows {_VERSION} only")
        if state != "ok":
            raise SettingsError(f"{path}: is damaged ({state.splitlines()[-1]}); restore it from a backup")

    @staticmethod
    def make(path: Path) -> None:
        """Make an empty register, readable by nobody else; raise `SettingsError` where that can't be."""
        path.touch(mode=0o600)
        try:
            connection = _connect(path)
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            connection.close()
        except sqlite3.Error as error:
            raise SettingsError(f"{path}: can't be made: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Generator[None]:
        """Do all that is within as one, or nothing of it; nobody else writes meanwhile."""
        with self._readable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def state(self) -> int:
        """Return a number that is another once some other process has written."""
        with self._readable():
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(number)

    def add_token(self, secret: str, name: str, now: datetime, expires_at: datetime) -> None:
        """Remember a token, not its secret."""
        row = (_digest(secret), name, _at(now), _at(expires_at))
        self._connection.execute(
            "INSERT INTO tokens (secret, name, made_at, expires_at) VALUES (?, ?, ?, ?)", row
        )

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
        self, principal: Principal, certificate: x509.Certificate, now: datetime, secret: str | None = None
    ) -> None:
        """Remember a certificate, in the place of those that its principal had."""
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

    def revoke(self, principals: Iterable[Principal], now: datetime) -> int:
        """Revoke all that these hold; return how many certificates that are."""
        query = (
            "UPDATE certificates SET revoked_at = ?1"
            " WHERE principal = ?2 AND revoked_at IS NULL AND not_after > ?1"
        )
        return sum(self._connection.execute(query, (_at(now), str(each))).rowcount for each in principals)

    def withdraw_tokens(self, name: str) -> int:
        """Make the unused tokens of a name worthless; return how many there were."""
        query = "DELETE FROM tokens WHERE name = ? AND used_at IS NULL"
        return self._connection.execute(query, (name,)).rowcount

    def forget(self, now: datetime) -> None:
        """Forget what is over: tokens after a month, certificates after a year, renewals after a day."""
        for table, column, days in (
            ("tokens", "expires_at", 30),
            ("certificates", "not_after", 365),
            ("renewals", "at", 1),
        ):
            over = _at(now - timedelta(days=days))
            self._connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (over,))  # noqa: S608

    def first_time(self, id_: UUID, now: datetime) -> bool:
        """Tell whether a renewal comes for the first time, and remember it."""
        query = "INSERT OR IGNORE INTO renewals (id, at) VALUES (?, ?)"
        return self._connection.execute(query, (id_.bytes, _at(now))).rowcount == 1

    def revoked(self, now: datetime) -> list[Revoked]:
        """Return what is revoked and not over yet, in the order of their numbers."""
        query = "SELECT serial, revoked_at FROM certificates WHERE revoked_at NOT NULL AND not_after >= ?"
        with self._readable():
            rows = self._connection.execute(query + " ORDER BY serial", (_at(now),)).fetchall()
        return [Revoked(int(serial, 16), _time(at)) for serial, at in rows]

    def operators(self, now: datetime) -> list[Principal]:
        """Return the operators who hold a certificate that is good, by name."""
        query = (
            "SELECT DISTINCT principal FROM certificates"
            " WHERE principal GLOB 'operator@*' AND revoked_at IS NULL AND not_after >= ? ORDER BY principal"
        )
        with self._readable():
            rows = self._connection.execute(query, (_at(now),)).fetchall()
        return [Principal.parse(name) for (name,) in rows]

    def entries(self) -> list[Entry]:
        """Return all certificates, by principal, the newest first."""
        with self._readable():
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

    @contextmanager
    def _readable(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SettingsError(f"{self.path}: can't be used now ({error})") from None
        except sqlite3.DatabaseError as error:
            raise SettingsError(f"{self.path}: is damaged ({error}); restore it from a backup") from None


def key_digest(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """Return the SHA-256 of a public key."""
    key = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).digest()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _at(time: datetime) -> int:
    return int(time.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
