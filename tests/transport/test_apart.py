"""What a child says of an identity, and what becomes of one that fails; renewing is in tests/console."""

import sys
from pathlib import Path

import pytest
from vedette_schemas import SettingsError
from vedette_transport import run
from vedette_transport.apart import read_apart
from vedette_transport.credentials import Credentials
from vedette_transport.entry import NotNowError
from vedette_transport.identity_folder import IdentityFolder

from tests import identities

NAME = "sensor@host-7"


def test_it_says_what_the_certificate_says(tmp_path: Path) -> None:
    found = identities.identity(identities.authority(), NAME, tmp_path / "sensor")
    known = Credentials(tmp_path / "sensor", read_apart)
    assert known.principal == found.principal
    assert (known.begins_at, known.ends_at) == (found.begins_at, found.ends_at)
    assert known.client_context().get_ca_certs() == found.client_context().get_ca_certs()


def test_it_says_in_the_same_words_what_can_not_be_used(tmp_path: Path) -> None:
    folder = identities.write(identities.authority(), NAME, tmp_path / "sensor")
    other = identities.write(identities.authority(), "sensor@host-8", tmp_path / "other")
    (other / "certificate.pem").replace(folder / "certificate.pem")
    with pytest.raises(SettingsError, match="not of the CA whose certificate lies beside it"):
        read_apart(IdentityFolder(folder))


def test_what_was_renewed_is_read_anew_and_another_ca_wants_a_new_start(tmp_path: Path) -> None:
    ca = identities.authority()
    identities.identity(ca, NAME, tmp_path / "sensor")
    known = Credentials(tmp_path / "sensor", read_apart)
    before = known.ends_at
    assert not known.refresh()
    identities.write(ca, NAME, tmp_path / "sensor")
    assert known.refresh()
    assert known.ends_at >= before
    identities.write(identities.authority(), NAME, tmp_path / "sensor")
    with pytest.raises(SettingsError, match="start the program again"):
        known.refresh()


@pytest.mark.parametrize(("python", "words"), [("/bin/false", "has failed"), ("/nowhere", "can be started")])
def test_a_child_that_fails_is_worth_another_start(
    python: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = identities.write(identities.authority(), NAME, tmp_path / "sensor")
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(sys, "argv", ["vedette-sensor", "--settings", str(folder)])
    with pytest.raises(NotNowError, match=words):
        read_apart(IdentityFolder(folder))
    with pytest.raises(SystemExit) as ended:
        run("vedette-sensor", "takes and reports", lambda path: print(read_apart(IdentityFolder(path))))
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
