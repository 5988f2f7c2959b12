"""What the CA does unasked, and what it can't do without."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from vedette_console.ca import Register, make_ca, open_register, revoke
from vedette_console.ca.folder import SETTINGS, open_ca
from vedette_console.ca.upkeep import Upkeep
from vedette_schemas import ANALYZER, BROKER, Principal, SettingsError
from vedette_schemas.access import mosquitto_acl
from vedette_transport.identity import Identity
from vedette_transport.joining import join

from tests import cas

DAY = timedelta(days=1)


def crl(folder: Path) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((folder / "public" / "crl.pem").read_bytes())


@pytest.mark.system
def test_what_is_revoked_is_on_the_list_at_once(tmp_path: Path) -> None:
    with cas.serving(cas.make(tmp_path / "ca")) as ca:
        join(ca.token().write(), tmp_path / "identity", operator=False)
        began = datetime.now(UTC)
        revoke(ca.folder, "host-8", began)
        ca.await_line("signed the list of revocations: 2")
        assert datetime.now(UTC) - began < timedelta(seconds=5)
        for name in ("sensor", "enforcer"):
            number = Identity(tmp_path / "identity" / name).certificate.serial_number
            assert crl(ca.folder).get_revoked_certificate_by_serial_number(number) is not None


@pytest.mark.system
def test_the_servers_programs_have_identities_and_get_new_ones_when_revoked(tmp_path: Path) -> None:
    more = f'[identities]\nanalyzer = "{tmp_path}/analyzer"\nbroker = "../broker"\n'
    with cas.serving(cas.make(tmp_path / "ca", more)) as ca:
        analyzer = Identity(tmp_path / "analyzer")
        assert Identity(tmp_path / "broker").principal == BROKER
        assert analyzer.principal == ANALYZER
        revoke(ca.folder, "analyzer@0", datetime.now(UTC))
        ca.await_line("issued a certificate to analyzer@0")
        assert analyzer.refresh()
        revoked = crl(ca.folder)
        assert len(revoked) == 1
        assert revoked.get_revoked_certificate_by_serial_number(analyzer.certificate.serial_number) is None


@pytest.mark.system
def test_mosquittos_rules_know_the_operators_who_joined_and_were_not_revoked(tmp_path: Path) -> None:
    with cas.serving(cas.make(tmp_path / "ca")) as ca:
        rules = ca.folder / "public" / "mosquitto.acl"
        assert rules.read_text() == mosquitto_acl(())
        for name in ("anna", "eve"):
            join(ca.token(f"operator@{name}").write(), tmp_path / name, operator=True)
        both = [Principal.parse(f"operator@{name}") for name in ("anna", "eve")]
        assert rules.read_text() == mosquitto_acl(both)
        assert rules.stat().st_mode & 0o777 == 0o644
        ca.await_line("operators in Mosquitto's rules: 2")
        revoke(ca.folder, "operator@eve", datetime.now(UTC))
        ca.await_line("operators in Mosquitto's rules: 1")
        assert rules.read_text() == mosquitto_acl(both[:1])


class Kept:
    """Upkeep without a process: the days go by as the test says."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("localhost",)) -> None:
        self.folder = folder
        self.authority, self.register = open_ca(folder / "ca"), open_register(folder / "ca")
        places = {ANALYZER: folder / "analyzer", BROKER: folder / "broker"}
        self.upkeep = Upkeep(self.authority, self.register, folder / "ca", places, names)

    def serial(self, name: str) -> int:
        found = x509.load_pem_x509_certificate((self.folder / name / "certificate.pem").read_bytes())
        return found.serial_number


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    make_ca(tmp_path / "ca", ["localhost"])
    return Kept(tmp_path)


def test_identities_are_renewed_from_two_thirds_of_their_life(kept: Kept) -> None:
    now = datetime.now(UTC)
    assert kept.upkeep.step(now)
    first = kept.serial("analyzer")
    assert not kept.upkeep.step(now + 59 * DAY)
    assert kept.serial("analyzer") == first
    assert kept.upkeep.step(now + 61 * DAY)
    assert kept.serial("analyzer") != first


def test_the_list_is_signed_anew_each_day_and_not_more_often(kept: Kept) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    kept.upkeep.step(now)
    kept.upkeep.step(now + DAY / 2)
    assert crl(kept.folder / "ca").last_update_utc == now
    kept.upkeep.step(now + DAY)
    assert crl(kept.folder / "ca").last_update_utc == now + DAY


def test_a_server_by_new_names_gets_a_new_certificate_and_others_do_not(kept: Kept) -> None:
    kept.upkeep.step(datetime.now(UTC))
    analyzer, broker = kept.serial("analyzer"), kept.serial("broker")
    again = Kept(kept.folder, ("localhost", "vedette.example"))
    assert again.upkeep.step(datetime.now(UTC))
    assert kept.serial("analyzer") == analyzer
    assert kept.serial("broker") != broker


def test_what_is_lost_or_broken_is_made_anew(kept: Kept) -> None:
    kept.upkeep.step(datetime.now(UTC))
    (kept.folder / "analyzer" / "key.pem").unlink()
    (kept.folder / "broker" / "certificate.pem").write_text("garbage")
    assert kept.upkeep.step(datetime.now(UTC) + timedelta(minutes=2))
    Identity(kept.folder / "analyzer")
    Identity(kept.folder / "broker")


def test_a_folder_that_is_not_ours_alone_is_trouble_that_ends_when_it_is_mended(kept: Kept) -> None:
    (kept.folder / "analyzer").mkdir(mode=0o755)
    now = datetime.now(UTC)
    kept.upkeep.step(now)
    assert "others may read or change it" in kept.upkeep.trouble
    (kept.folder / "analyzer").chmod(0o700)
    kept.upkeep.step(now)
    assert kept.upkeep.trouble == ""
    Identity(kept.folder / "analyzer")


def test_the_register_forgets_what_is_long_over(kept: Kept) -> None:
    now = datetime.now(UTC)
    with kept.register.writing():
        kept.register.add_token("s", "host-8", now, now + DAY, "user anna")
    kept.upkeep.step(now)
    kept.upkeep.step(now + 40 * DAY)
    assert kept.register.token("s") is None
    assert len(kept.register.entries()) == 2
    kept.upkeep.step(now + 500 * DAY)
    assert len(kept.register.entries()) == 2  # those of day 500


def serve(folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "vedette_console.ca", "--settings", str(folder / SETTINGS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()[-1]


def damage(folder: Path) -> None:
    content = bytearray((folder / "register.db").read_bytes())
    content[4_096:12_288] = b"\xff" * 8_192
    (folder / "register.db").write_bytes(content)


def replace(folder: Path) -> None:
    (folder / "register.db").write_bytes(b"garbage" * 1_000)


def lose(folder: Path) -> None:
    (folder / "register.db").unlink()


def lose_key(folder: Path) -> None:
    (folder / "ca.key").unlink()


def break_key(folder: Path) -> None:
    (folder / "ca.key").write_text("garbage")


def open_key(folder: Path) -> None:
    (folder / "ca.key").chmod(0o644)


def misspell(folder: Path) -> None:
    (folder / SETTINGS).write_text('nmaes = ["localhost"]\n')


def name_badly(folder: Path) -> None:
    (folder / SETTINGS).write_text('names = ["https://server/"]\n')


def listen_nowhere(folder: Path) -> None:
    (folder / SETTINGS).write_text('listen = {host = "192.0.2.1", port = 8884}\n')


@pytest.mark.system
@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (damage, "is damaged"),
        (replace, "is damaged (file is not a database); restore it from a backup"),
        (lose, "is not there; restore it from a backup"),
        (lose_key, "make one with 'vedette ca init'"),
        (break_key, "restore it from a backup"),
        (open_key, "chmod go-rwx"),
        (misspell, "unknown setting 'nmaes'"),
        (name_badly, "without a port"),
        (listen_nowhere, "can't listen at 192.0.2.1:8884"),
    ],
)
def test_what_it_can_not_do_without_is_said_in_one_line(
    break_it: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    make_ca(tmp_path / "ca", ["localhost"])
    break_it(tmp_path / "ca")
    code, line = serve(tmp_path / "ca")
    assert (code, words in line) == (2, True), line


@pytest.mark.system
def test_two_do_not_serve_one_folder(tmp_path: Path) -> None:
    with cas.serving(cas.make(tmp_path / "ca")):
        code, line = serve(tmp_path / "ca")
    assert (code, "another 'vedette ca serve' runs there" in line) == (2, True)


def test_a_ca_whose_making_was_cut_short_is_made_anew_and_one_that_is_there_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    make_ca(folder, ["localhost"])
    (folder / "ca.key").unlink()  # it is written last
    make_ca(folder, ["localhost"])
    key = (folder / "ca.key").read_bytes()
    with pytest.raises(SettingsError, match="a CA is there already"):
        make_ca(folder, ["localhost"])
    assert (folder / "ca.key").read_bytes() == key
    assert (folder / "ca.key").stat().st_mode & 0o777 == 0o600
    assert (folder / "register.db").stat().st_mode & 0o777 == 0o600


def test_a_register_of_another_version_is_refused(tmp_path: Path) -> None:
    make_ca(tmp_path / "ca", [])
    register = open_register(tmp_path / "ca")
    register.close()
    connection = sqlite3.connect(tmp_path / "ca" / "register.db")
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(SettingsError, match="version 3"):
        Register(tmp_path / "ca" / "register.db")
