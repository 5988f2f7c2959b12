"""What the CA did and who commanded it: rows of a chain in its register, each written with its deed."""

import os
import pwd
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vedette_archive import AuditQuery, AuditRow, chain
from vedette_archive.verifying import verify
from vedette_console.ca import enrol, make_ca, open_register, revoke
from vedette_console.ca.deeds import KEPT
from vedette_console.ca.folder import open_ca
from vedette_console.ca.upkeep import Upkeep
from vedette_console.person import person
from vedette_schemas import ANALYZER, CA, Principal, SettingsError
from vedette_transport.identity import Identity
from vedette_transport.joining import join
from vedette_transport.renewing import Renewer

from tests import cas

ME = f"user {pwd.getpwuid(os.getuid()).pw_name}"
SENSOR = Principal.parse("sensor@host-8")
DAY = timedelta(days=1)
FIRST = """
CREATE TABLE tokens (
    secret BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    host TEXT NOT NULL,
    key BLOB NOT NULL,
    token BLOB,
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    replaced_at INTEGER,
    revoked_at INTEGER,
    pem TEXT NOT NULL
) STRICT;
CREATE INDEX certificates_principal ON certificates (principal, issued_at);
CREATE TABLE renewals (id BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE INDEX renewals_at ON renewals (at);
PRAGMA user_version = 1;
"""
"""A register as it was before it had a chain."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_ca(tmp_path / "ca", ["localhost"])
    return tmp_path / "ca"


def rows(folder: Path, query: AuditQuery | None = None) -> list[AuditRow]:
    """Return all rows, the oldest first."""
    with closing(sqlite3.connect(folder / "register.db")) as connection:
        return chain.rows(connection, query, 10_000)[::-1]


def told(folder: Path) -> list[tuple[str, str, str]]:
    return [(row.who, row.what, row.host) for row in rows(folder)]


def renew(identity: Identity, ca: cas.RunningCa) -> None:
    assert Renewer(identity, ca.address, now=lambda: datetime.now(UTC) + 61 * DAY).step() >= 1_800


def faults(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "register.db")) as connection:
        return [fault.words for fault in verify(connection).faults]


@pytest.mark.system
def test_who_may_join_who_joined_who_renewed_and_who_was_revoked_is_put_down(tmp_path: Path) -> None:
    more = f'[identities]\nanalyzer = "{tmp_path}/analyzer"\n'
    with cas.serving(cas.make(tmp_path / "ca", more)) as ca:
        token = ca.token()
        join(token.write(), tmp_path / "identity", operator=False)
        sensor = Identity(tmp_path / "identity" / "sensor")
        joined = sensor.certificate.serial_number
        renew(sensor, ca)
        join(ca.token("operator@anna").write(), tmp_path / "anna", operator=True)
        ca.token()
        revoke(ca.folder, "host-8", datetime.now(UTC))
    assert told(ca.folder) == [
        (ME, "ca.made", ""),
        (str(CA), "certificate.issued", "0"),
        (str(CA), "certificate.issued", "0"),
        (ME, "token.made", "host-8"),
        ("sensor@host-8", "certificate.issued", "host-8"),
        ("enforcer@host-8", "certificate.issued", "host-8"),
        ("sensor@host-8", "certificate.renewed", "host-8"),
        (ME, "token.made", ""),
        ("operator@anna", "certificate.issued", ""),
        (ME, "token.made", "host-8"),
        *[(ME, "certificate.revoked", "host-8")] * 3,
        (ME, "token.withdrawn", "host-8"),
    ]
    found = rows(ca.folder)
    made, issued, renewed, *_, withdrawn = (found[at] for at in (3, 4, 6, 13))
    assert found[0].about == open_ca(ca.folder).fingerprint()
    assert (issued.about, renewed.about) == (f"{joined:x}", f"{sensor.certificate.serial_number:x}")
    assert issued.words == f"sensor@host-8, until {sensor.ends_at:%Y-%m-%d}, by token {made.about}"
    assert made.words.startswith("host-8 may join until ")
    assert (len(made.about), withdrawn.about) == (16, found[9].about)
    assert token.secret not in repr(found)
    assert faults(ca.folder) == []


@pytest.mark.system
def test_the_ca_and_who_commands_it_write_at_once_and_the_chain_is_whole(tmp_path: Path) -> None:
    each, hosts = 6, ["host-1", "host-2", "host-3"]
    failed: list[str] = []

    def command(*words: str) -> None:
        program = [sys.executable, "-m", "vedette_console", *words, "--folder", str(tmp_path / "ca")]
        done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)
        failed.extend([] if done.returncode == 0 else [done.stderr])

    def joins(ca: cas.RunningCa, host: str) -> None:
        for _ in range(each):
            join(ca.token(host).write(), tmp_path / host, operator=False)
        renew(Identity(tmp_path / host / "sensor"), ca)

    with cas.serving(cas.make(tmp_path / "ca")) as ca:
        threads = [threading.Thread(target=joins, args=(ca, host)) for host in hosts]
        threads += [threading.Thread(target=command, args=("enrol", f"host-{n}")) for n in (7, 8, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        command("revoke", "host-1")
    assert failed == []
    assert faults(ca.folder) == []
    found = [row.what for row in rows(ca.folder)]
    register = open_register(ca.folder)
    certificates = register.entries()
    register.close()
    assert found.count("token.made") == len(hosts) * each + 3
    assert found.count("certificate.renewed") == len(hosts)
    assert found.count("certificate.issued") + found.count("certificate.renewed") == len(certificates)
    assert found.count("certificate.revoked") == sum(entry.revoked_at is not None for entry in certificates)


def test_a_deed_that_is_not_done_is_in_no_row(folder: Path) -> None:
    register = open_register(folder)
    now = datetime.now(UTC)

    def fails() -> None:
        with register.writing():
            register.add_token("a secret", "host-8", now, now + DAY, ME)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert register.open_tokens(now) == []
    register.close()
    with pytest.raises(SettingsError, match="has no certificate that is still good"):
        revoke(folder, "host-8", now)
    assert told(folder) == [(ME, "ca.made", "")]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit SET who = 'user eve' WHERE number = 2"], ["row 2 was changed"]),
        (["DELETE FROM audit WHERE number = 2"], ["row 2 is missing"]),
        (["DELETE FROM audit WHERE number = 3"], ["row 3 is missing"]),
        (
            ["UPDATE audit SET number = 4 WHERE number = 2"],
            ["row 2 is missing", "row 4 was moved here: it is row 2"],
        ),
    ],
)
def test_what_is_changed_missing_or_moved_is_found(
    folder: Path, statements: Sequence[str], found: list[str]
) -> None:
    for name in ("host-8", "host-9"):
        enrol(folder, name, DAY, datetime.now(UTC), ca=None, broker=None)
    assert faults(folder) == []
    with closing(sqlite3.connect(folder / "register.db", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM audit")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
    assert faults(folder)[: len(found)] == found


@pytest.fixture
def old(folder: Path) -> Path:
    """Return the folder of a CA that was made before there was a chain, with a certificate and a token."""
    key = Ed25519PrivateKey.generate().public_key()
    certificate = open_ca(folder).certify(SENSOR, key, datetime.now(UTC))
    register = open_register(folder)
    with register.writing():
        register.add_token("a secret", "host-8", datetime.now(UTC), datetime.now(UTC) + DAY, ME)
        register.add_certificate(SENSOR, certificate, datetime.now(UTC))
    register.close()
    new, before = folder / "register.db", folder / "before.db"
    new.rename(before)
    new.touch(0o600)
    with closing(sqlite3.connect(new)) as connection:
        connection.executescript(FIRST)
        connection.execute("ATTACH ? AS before", (str(before),))
        for table in ("tokens", "certificates", "renewals"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM before.{table}")
        connection.commit()
    return folder


def test_a_register_of_before_gets_a_chain_and_keeps_what_it_held(old: Path) -> None:
    register = open_register(old)
    assert [entry.principal for entry in register.entries()] == [str(SENSOR)]
    assert [token.name for token in register.open_tokens(datetime.now(UTC))] == ["host-8"]
    register.close()
    enrol(old, "host-9", DAY, datetime.now(UTC), ca=None, broker=None)
    first, second = rows(old)
    assert (first.who, first.what) == (str(CA), "audit.began")
    assert first.words == "what is done is put down from now on; older: 1 certificate and 1 token"
    assert (second.who, second.what, second.host) == (ME, "token.made", "host-9")
    assert faults(old) == []


def test_a_register_of_before_gets_one_chain_whoever_opens_it(old: Path) -> None:
    at_once, failed = threading.Barrier(4), list[Exception]()

    def opens(number: int) -> None:
        at_once.wait(30)
        try:
            enrol(old, f"host-{number}", DAY, datetime.now(UTC), ca=None, broker=None)
        except SettingsError as error:
            failed.append(error)

    threads = [threading.Thread(target=opens, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert sorted(row.what for row in rows(old)) == ["audit.began", *["token.made"] * 4]
    assert faults(old) == []


def test_rows_are_kept_for_a_year(folder: Path) -> None:
    now = datetime.now(UTC)
    register = open_register(folder)
    upkeep = Upkeep(open_ca(folder), register, folder, {ANALYZER: folder.parent / "analyzer"}, ["localhost"])
    upkeep.step(now)
    assert told(folder) == [(ME, "ca.made", ""), (str(CA), "certificate.issued", "0")]
    for days in range(50, 501, 50):
        upkeep.step(now + days * DAY)
    register.close()
    kept = rows(folder)
    assert kept[0].at > now + 500 * DAY - KEPT - 51 * DAY
    assert "audit.cut" in {row.what for row in kept}
    assert len(kept) < 12
    assert faults(folder) == []


def test_who_is_root_by_sudo_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setenv("SUDO_UID", str(nobody.pw_uid))
    monkeypatch.setenv("LOGNAME", "eve")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert person() == "user nobody as root"
    for garbage in ("", "0", "-1", "9" * 400, "²", "anna"):
        monkeypatch.setenv("SUDO_UID", garbage)
        assert person() == "user root"
    monkeypatch.setenv("SUDO_UID", str(nobody.pw_uid))
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert person() == "user 54321"
