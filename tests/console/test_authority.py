import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_console.authority import Authority
from vedette_schemas import ANALYZER, Principal, SettingsError
from vedette_transport.signing import CommandRefusedError, Signer, Verifier

from tests import messages

ENFORCER = Principal.parse("enforcer@host-7")


def refusal(issued: tuple[Path, Path], authority: Authority) -> str:
    """Say why what is signed with a key does not count for who trusts an authority; "" where it does."""
    now = datetime.now(UTC)
    command = messages.command(issued_at=now, expires_at=now + timedelta(seconds=60))
    verifier = Verifier(authority.certificate_path, ENFORCER)
    try:
        verifier.verify(Signer(*issued).sign(command), now)
    except CommandRefusedError as refused:
        return str(refused)
    return ""


def test_what_the_authority_issues_is_trusted_and_nothing_of_another_is(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    issued = ours.issue(ANALYZER, tmp_path / "analyzer")
    assert refusal(issued, ours) == ""
    assert "not of this deployment" in refusal(issued, other)


def test_keys_are_readable_by_nobody_else(tmp_path: Path) -> None:
    key, _ = Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")
    for path in (key, tmp_path / "ca" / "ca.key"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_there_is_used_again(tmp_path: Path) -> None:
    first = Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")[1].read_bytes()
    assert Authority(tmp_path / "ca").issue(ANALYZER, tmp_path / "analyzer")[1].read_bytes() == first


def test_a_certificate_of_an_older_authority_is_replaced(tmp_path: Path) -> None:
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    assert refusal(old.issue(ANALYZER, tmp_path / "analyzer"), old) == ""
    issued = new.issue(ANALYZER, tmp_path / "analyzer")
    assert refusal(issued, new) == ""
    assert "not of this deployment" in refusal(issued, old)


def test_a_damaged_authority_is_said_and_not_replaced(tmp_path: Path) -> None:
    Authority(tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").write_text("garbage")
    with pytest.raises(SettingsError, match="remove the folder"):
        Authority(tmp_path / "ca")
    assert (tmp_path / "ca" / "ca.key").read_text() == "garbage"


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
