import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_console.authority import Authority
from vedette_schemas import ANALYZER, Principal, SettingsError
from vedette_transport.signing import CommandRefusedError, Signer, Verifier

from tests import messages

ENFORCER = Principal.parse("enforcer@host-7")


def test_what_the_authority_issues_is_trusted_and_nothing_of_another_is(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    signer = Signer(*ours.issue(ANALYZER, tmp_path / "analyzer"))
    now = datetime.now(UTC)
    command = messages.command(issued_at=now, expires_at=now + timedelta(seconds=60))
    token = signer.sign(command)
    assert Verifier(ours.certificate_path, ENFORCER).verify(token, datetime.now(UTC)) == command
    with pytest.raises(CommandRefusedError, match="not of this deployment"):
        Verifier(other.certificate_path, ENFORCER).verify(token, datetime.now(UTC))


def test_keys_are_readable_by_nobody_else(tmp_path: Path) -> None:
    key, _ = Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")
    for path in (key, tmp_path / "ca" / "ca.key"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_there_is_used_again(tmp_path: Path) -> None:
    first = Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")[1].read_bytes()
    assert Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")[1].read_bytes() == first


def test_a_certificate_of_an_older_authority_is_replaced(tmp_path: Path) -> None:
    Authority(tmp_path / "old").issue(ANALYZER, tmp_path / "analyzer")
    new = Authority(tmp_path / "new")
    key, certificate = new.issue(ANALYZER, tmp_path / "analyzer")
    Signer(key, certificate)
    renewed = certificate.read_bytes()
    assert Authority(tmp_path / "new").issue(ANALYZER, tmp_path / "analyzer")[1].read_bytes() == renewed


def test_a_damaged_authority_is_said_and_not_replaced(tmp_path: Path) -> None:
    Authority(tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").write_text("garbage")
    with pytest.raises(SettingsError, match="remove the folder"):
        Authority(tmp_path / "ca")


def test_what_others_could_have_prepared_is_refused(tmp_path: Path) -> None:
    Authority(tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").chmod(0o644)
    with pytest.raises(SettingsError, match="others may read"):
        Authority(tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").chmod(0o600)
    (tmp_path / "ca").chmod(0o777)
    with pytest.raises(SettingsError, match="others may read or change"):
        Authority(tmp_path / "ca")


@pytest.mark.root
def test_an_authority_that_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    Authority(tmp_path / "ca")
    os.chown(tmp_path / "ca" / "ca.key", 65534, 65534)
    with pytest.raises(SettingsError, match="another user's"):
        Authority(tmp_path / "ca")


def test_a_link_in_the_place_of_a_key_is_neither_used_nor_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "analyzer").mkdir(mode=0o700)
    (tmp_path / "analyzer" / "key.pem").symlink_to(victim)
    with pytest.raises(SettingsError, match="a link"):
        Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")
    assert victim.read_text() == "precious"
