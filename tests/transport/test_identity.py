"""An identity in a folder: what is refused, and that it is changed as one."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_console.ca.folder import make_ca, open_ca
from vedette_schemas import Principal, SettingsError
from vedette_transport.identity import Identity
from vedette_transport.identity_folder import IdentityFolder

from tests import identities, messages

DAY = timedelta(days=1)
NAME = "sensor@host-7"
FILES = {"key.pem", "certificate.pem", "ca.pem", "origin", "lock"}


def test_it_says_who_it_is_and_until_when(tmp_path: Path) -> None:
    found = identities.identity(identities.authority(), NAME, tmp_path / "sensor")
    assert found.principal == Principal.parse(NAME)
    assert timedelta(days=89) < found.ends_at - datetime.now(UTC) <= timedelta(days=90)
    assert found.begins_at < datetime.now(UTC)


def test_only_its_owner_may_read_the_key(tmp_path: Path) -> None:
    folder = identities.write(identities.authority(), NAME, tmp_path / "sensor")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    assert {each.name for each in folder.iterdir()} == FILES


def test_it_signs_as_its_principal(tmp_path: Path) -> None:
    found = identities.identity(identities.authority(), "analyzer@0", tmp_path / "analyzer")
    now = datetime.now(UTC)
    assert found.signer().principal == Principal.parse("analyzer@0")
    assert found.signer().sign(messages.command(issued_at=now, expires_at=now + DAY / 24)).count(".") == 2


def break_nothing_there(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def break_pair(folder: Path) -> None:
    other = identities.write(identities.authority(), NAME, folder.parent / "other")
    (other / "key.pem").replace(folder / "key.pem")


def break_mode(folder: Path) -> None:
    (folder / "key.pem").chmod(0o640)


def break_ca(folder: Path) -> None:
    other = identities.write(identities.authority(), NAME, folder.parent / "other")
    (other / "ca.pem").replace(folder / "ca.pem")


def break_certificate(folder: Path) -> None:
    (folder / "certificate.pem").write_text("garbage")


def break_key(folder: Path) -> None:
    (folder / "key.pem").write_text("garbage")


def break_link(folder: Path) -> None:
    (folder / "key.pem").rename(folder.parent / "key.pem")
    (folder / "key.pem").symlink_to(folder.parent / "key.pem")


def break_key_away(folder: Path) -> None:
    (folder / "key.pem").unlink()


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (break_nothing_there, "vedette-sensor join TOKEN"),
        (break_pair, "is not the certificate of"),
        (break_mode, "chmod go-rwx"),
        (break_ca, "not of the CA"),
        (break_certificate, "not a certificate in PEM"),
        (break_key, "not a private key in PEM"),
        (break_link, "or a link"),
        (break_key_away, "key.pem: can't be read: No such file"),
    ],
)
def test_what_can_not_be_used_is_said(break_it: object, words: str, tmp_path: Path) -> None:
    folder = identities.write(identities.authority(), NAME, tmp_path / "sensor")
    assert callable(break_it)
    break_it(folder)
    with pytest.raises(SettingsError, match=words):
        Identity(folder)


def test_one_that_has_ended_is_refused_and_one_that_has_not_begun(tmp_path: Path) -> None:
    ca = identities.authority()
    with pytest.raises(SettingsError, match="enrol and join again"):
        identities.identity(ca, NAME, tmp_path / "old", ago=91 * DAY)
    with pytest.raises(SettingsError, match="clock right"):
        identities.identity(ca, NAME, tmp_path / "new", ago=-2 * DAY)


@pytest.mark.root
def test_an_identity_of_another_users_is_refused(tmp_path: Path) -> None:
    folder = identities.write(identities.authority(), NAME, tmp_path / "sensor")
    os.chown(folder / "key.pem", 65534, 65534)
    with pytest.raises(SettingsError, match="another user's"):
        Identity(folder)


def test_a_renewed_one_is_picked_up(tmp_path: Path) -> None:
    ca = identities.authority()
    found = identities.identity(ca, NAME, tmp_path / "sensor", ago=60 * DAY)
    before = found.ends_at
    assert not found.refresh()
    identities.write(ca, NAME, tmp_path / "sensor")
    assert found.refresh()
    assert found.ends_at > before + 59 * DAY


def test_another_ca_wants_a_new_start(tmp_path: Path) -> None:
    found = identities.identity(identities.authority(), NAME, tmp_path / "sensor")
    identities.write(identities.authority(), NAME, tmp_path / "sensor")
    with pytest.raises(SettingsError, match="start the program again"):
        found.refresh()


def test_the_key_of_one_purpose_stays_until_it_is_taken_and_thereafter(tmp_path: Path) -> None:
    ca, folder = identities.authority(), IdentityFolder(tmp_path / "sensor")
    with folder.changing():
        first = folder.key_for("a").public_key()
        assert folder.key_for("a").public_key() == first
        certificate = ca.certify(Principal.parse(NAME), first, datetime.now(UTC))
        folder.take(identities.pem(certificate), ca.public())
        assert folder.key_for("a").public_key() == first
        assert folder.key_for("b").public_key() != first


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
left, folder = int(sys.argv[1]), sys.argv[2]
def hook(event, arguments):
    global left
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        if any(str(each).startswith(folder) for each in arguments[:2]):
            left -= 1
            if left < 0:
                os._exit(9)
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from vedette_console.ca.folder import open_ca
from tests import identities
ca = open_ca(Path(sys.argv[3]))
sys.addaudithook(hook)
identities.write(ca, "sensor@host-7", Path(folder))
"""


@pytest.mark.system
def test_killed_anywhere_in_a_change_it_is_the_old_one_or_the_new(tmp_path: Path) -> None:
    make_ca(tmp_path / "ca", ["localhost"])
    ca, folder = open_ca(tmp_path / "ca"), tmp_path / "sensor"
    seen: set[bool] = set()
    steps = 0
    for steps in range(100):
        identities.write(ca, NAME, folder)
        before = Identity(folder).certificate.serial_number
        command = [sys.executable, "-c", KILLED, str(steps), str(folder), str(tmp_path / "ca")]
        done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2], timeout=60)
        found = Identity(folder)
        seen.add(found.certificate.serial_number != before)
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert seen == {False, True}
    assert steps > 8
