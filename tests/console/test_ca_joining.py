"""Joining: a real CA, real tokens, and who tries without."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from vedette_console.ca import open_register, revoke
from vedette_schemas import JoinToken, SettingsError, VedetteError
from vedette_transport import BrokerAddress
from vedette_transport.asking import NotReachedError, RefusedError
from vedette_transport.identity import Identity
from vedette_transport.joined import Server
from vedette_transport.joining import Joined, join

from tests import brokers, cas

pytestmark = pytest.mark.system
HOUR = timedelta(hours=1)


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[cas.RunningCa]:
    with cas.serving(cas.make(tmp_path / "ca")) as running:
        yield running


def states(ca: cas.RunningCa) -> dict[str, list[str]]:
    """Return of each principal how its certificates stand, the newest first."""
    register = open_register(ca.folder)
    found: dict[str, list[str]] = {}
    for entry in register.entries():
        state = "revoked" if entry.revoked_at else "replaced" if entry.replaced_at else "good"
        found.setdefault(entry.principal, []).append(state)
    register.close()
    return found


def join_host(token: JoinToken, folder: Path) -> Joined:
    return join(token.write(), folder, operator=False)


def test_a_host_joins_with_both_its_programs(ca: cas.RunningCa, tmp_path: Path) -> None:
    done = join_host(ca.token(), tmp_path / "identity")
    assert [str(each) for each in done.principals] == ["sensor@host-8", "enforcer@host-8"]
    for name in ("sensor", "enforcer"):
        folder = tmp_path / "identity" / name
        found = Identity(folder)
        assert str(found.principal) == f"{name}@host-8"
        assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
        assert timedelta(days=89) < found.ends_at - datetime.now(UTC) <= timedelta(days=90)
        purposes = found.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    server = Server.beside(tmp_path / "identity" / "sensor")
    assert server == done.server
    assert (server.ca, server.broker) == (ca.address, BrokerAddress(host="127.0.0.1", port=8883))
    assert states(ca)["sensor@host-8"] == ["good"]


def test_an_operator_joins(ca: cas.RunningCa, tmp_path: Path) -> None:
    done = join(ca.token("operator@anna").write(), tmp_path, operator=True)
    assert [str(each) for each in done.principals] == ["operator@anna"]
    assert str(Identity(tmp_path / "operator").principal) == "operator@anna"


def test_nothing_secret_is_kept_or_logged_by_the_ca(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token()
    join_host(token, tmp_path / "identity")
    ca.await_line("enrolled sensor@host-8")
    for path in (path for path in ca.folder.rglob("*") if path.is_file()):
        assert token.secret.encode() not in path.read_bytes()
    assert token.secret not in "".join(ca.log)


def test_a_token_is_good_once(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token()
    join_host(token, tmp_path / "one")
    with pytest.raises(RefusedError, match="used before: run 'vedette enrol' again"):
        join_host(token, tmp_path / "two")
    assert not list((tmp_path / "two").glob("*/certificate.pem"))


def test_asked_again_with_the_same_keys_the_answer_is_the_same(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token()
    join_host(token, tmp_path / "identity")
    first = Identity(tmp_path / "identity" / "sensor").certificate
    join_host(token, tmp_path / "identity")
    assert Identity(tmp_path / "identity" / "sensor").certificate == first
    assert states(ca)["sensor@host-8"] == ["good"]


def test_enrolled_again_a_hosts_old_certificates_are_revoked(ca: cas.RunningCa, tmp_path: Path) -> None:
    join_host(ca.token(), tmp_path / "one")
    second = ca.token()
    assert states(ca)["sensor@host-8"] == ["good"]
    join_host(second, tmp_path / "two")
    assert states(ca)["sensor@host-8"] == ["good", "revoked"]
    old = Identity(tmp_path / "one" / "sensor").certificate.serial_number
    revoked = x509.load_pem_x509_crl((ca.folder / "public" / "crl.pem").read_bytes())
    assert revoked.get_revoked_certificate_by_serial_number(old) is not None


def test_an_expired_token_is_refused(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token(life=-HOUR)
    with pytest.raises(RefusedError, match="the token has expired"):
        join_host(token, tmp_path)


def test_revoking_withdraws_tokens_that_nobody_has_used(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token()
    revoke(ca.folder, "host-8", datetime.now(UTC))
    with pytest.raises(RefusedError, match="no such token"):
        join_host(token, tmp_path)


def test_a_revoked_hosts_token_brings_nothing_back(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token()
    join_host(token, tmp_path / "identity")
    revoke(ca.folder, "host-8", datetime.now(UTC))
    with pytest.raises(RefusedError, match="used before"):
        join_host(token, tmp_path / "identity")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a token"),
        ("vedette1.AAAA", "not a token"),
        ("vedette1." + "A" * 5_000, "not a token"),
        ("\x1b[2J", "not a token"),
        ("vedette1.é", "not a token"),
    ],
)
def test_what_is_no_token_is_said(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        join(text, tmp_path, operator=False)


def test_a_token_for_somebody_else_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    token = JoinToken(
        name="operator@anna",
        expires_at=datetime.now(UTC) + HOUR,
        ca="127.0.0.1:1",
        broker="127.0.0.1:1",
        fingerprint="0" * 64,
        secret="A" * 43,
    )
    with pytest.raises(SettingsError, match="use 'vedette join'"):
        join_host(token, tmp_path)
    host = token.model_copy(update={"name": "host-8"})
    with pytest.raises(SettingsError, match="use 'vedette-sensor join' there"):
        join(host.write(), tmp_path, operator=True)


def test_a_folder_that_others_may_write_is_refused_and_the_token_is_still_good(
    ca: cas.RunningCa, tmp_path: Path
) -> None:
    token, folder = ca.token(), tmp_path / "identity"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(SettingsError, match="chmod go-w"):
        join_host(token, folder)
    folder.chmod(0o755)
    join_host(token, folder)


def test_a_server_that_is_not_there_is_said(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token().model_copy(update={"ca": f"127.0.0.1:{brokers.free_port()}"})
    with pytest.raises(NotReachedError, match="Connection refused"):
        join_host(token, tmp_path)


def test_another_server_in_its_place_learns_nothing(ca: cas.RunningCa, tmp_path: Path) -> None:
    token = ca.token()
    with cas.serving(cas.make(tmp_path / "other")) as other:
        moved = token.model_copy(update={"ca": str(other.address)})
        with pytest.raises(RefusedError, match="not the server that made the token"):
            join_host(moved, tmp_path / "identity")
        assert not any("refused" in line for line in other.log)
    join_host(token, tmp_path / "identity")


def test_of_two_that_race_with_one_token_one_wins(ca: cas.RunningCa, tmp_path: Path) -> None:
    for number in range(5):
        token = ca.token(f"host-{number}")
        came: list[str] = []
        together = threading.Barrier(2)

        def race(
            name: str,
            token: JoinToken = token,
            together: threading.Barrier = together,
            came: list[str] = came,
        ) -> None:
            together.wait()
            try:
                join_host(token, tmp_path / token.name / name)
                came.append("in")
            except RefusedError as error:
                came.append(str(error))

        racers = [threading.Thread(target=race, args=(name,)) for name in ("a", "b")]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(cas.WAIT)
        assert sorted(came) == ["in", "the token was used before: run 'vedette enrol' again"]
        assert states(ca)[f"sensor@host-{number}"] == ["good"]


def test_a_ca_that_is_killed_while_it_issues_is_asked_again(tmp_path: Path) -> None:
    folder = cas.make(tmp_path / "ca")
    ended: set[bool] = set()
    for number in range(6):
        ca = cas.start(folder)
        token = ca.token(f"host-{number}")
        first: list[VedetteError | None] = []

        def attempt(token: JoinToken = token, first: list[VedetteError | None] = first) -> None:
            try:
                join_host(token, tmp_path / token.name)
                first.append(None)
            except VedetteError as error:
                first.append(error)

        thread = threading.Thread(target=attempt)
        thread.start()
        if number % 2:
            ca.await_line("enrolled")  # committed; the answer may be on its way
        ca.kill()
        thread.join(cas.WAIT)
        ended.add(first[0] is None)
        with cas.serving(folder) as again:
            join_host(token, tmp_path / token.name)
            assert states(again)[f"sensor@host-{number}"] == ["good"]
            assert states(again)[f"enforcer@host-{number}"] == ["good"]
    assert False in ended


KILLED = """
import os, sys
from pathlib import Path
from vedette_transport.joining import join
left, folder, token = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def hook(event, arguments):
    global left
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        if any(str(each).startswith(folder) for each in arguments[:2]):
            left -= 1
            if left < 0:
                os._exit(9)
sys.addaudithook(hook)
join(token, Path(folder), operator=False)
"""


def test_a_host_that_is_killed_while_it_joins_joins_with_the_same_token(
    ca: cas.RunningCa, tmp_path: Path
) -> None:
    folder = tmp_path / "identity"
    for steps in range(0, 200, 3):
        token = ca.token(f"host-{steps}")
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-c", KILLED, str(steps), str(folder), token.write()]
        done = subprocess.run(command, check=False, timeout=60)
        join_host(token, folder)
        assert {Identity(folder / name).principal.host for name in ("sensor", "enforcer")} == {token.name}
        if done.returncode == 0:
            assert steps > 20
            return
        assert done.returncode == 9
    raise AssertionError("it never came to its end")
