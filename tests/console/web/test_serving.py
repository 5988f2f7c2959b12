"""The console as a program: where it listens, HTTPS beyond loopback, what keeps it from starting."""

import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from vedette_archive import Writer
from vedette_console.deployment import toml
from vedette_console.web.settings import ConsoleSettings
from vedette_schemas import SettingsError

from tests import authority, brokers
from tests.e2e.product import WAIT, Product

pytestmark = pytest.mark.system


def settings(folder: Path, /, **changes: object) -> Path:
    """Write settings for a console without a broker."""
    if not (folder / "archive.db").exists():
        Writer(folder / "archive.db").close()
    if not (folder / "identity").exists():
        authority.make_ca(folder / "ca").identity(folder / "identity", "console@main")
    values: dict[str, object] = {
        "archive": "archive.db",
        "identity": "identity",
        "listen": {"host": "127.0.0.1", "port": brokers.free_port()},
        "broker": {"host": "127.0.0.1", "port": brokers.free_port(), "plain": True},
    }
    path = folder / "console.toml"
    path.write_text(toml(values | changes))
    return path


@contextmanager
def running(path: Path, said: list[str] | None = None) -> Generator[ConsoleSettings]:
    """Run a console until the block ends; what it says until it answers is `said`."""
    said = [] if said is None else said
    found = ConsoleSettings.of(path)
    command = [sys.executable, "-m", "vedette_console.web", "--settings", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not said or "the console answers at" not in said[-1]:
            line = process.stderr.readline()
            assert line, f"it ended: {said}"
            said.append(line)
        try:
            yield found
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(WAIT)
    assert process.returncode == 0


def refused(path: Path) -> str:
    command = [sys.executable, "-m", "vedette_console.web", "--settings", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def ask(found: ConsoleSettings, cafile: Path | None, path: str, name: str = "localhost") -> tuple[int, bytes]:
    """Ask as a browser that trusts this certificate alone; without one, not by HTTPS."""
    connection = http.client.HTTPConnection(name, found.listen.port, timeout=WAIT)
    if cafile is not None:
        context = ssl.create_default_context(cafile=cafile)
        connection = http.client.HTTPSConnection(name, found.listen.port, timeout=WAIT, context=context)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_beyond_loopback_it_speaks_https_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    path = settings(tmp_path, listen={"host": "0.0.0.0", "port": brokers.free_port()}, names=["server.lan"])
    with running(path) as found:
        assert found.address == f"https://server.lan:{found.listen.port}"
        certificate = tmp_path / "console" / "tls.pem"
        assert ask(found, certificate, "/sign-in")[0] == 200
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(found, None, "/sign-in")
        first = certificate.read_bytes()
    with running(path) as found:
        assert certificate.read_bytes() == first, "it stays the same, so that it can be trusted"
    with running(
        settings(tmp_path, listen={"host": "0.0.0.0", "port": found.listen.port}, names=["new.lan"])
    ):
        assert certificate.read_bytes() != first


def test_a_certificate_of_the_operators_is_shown(tmp_path: Path) -> None:
    certificates = authority.make_ca(tmp_path / "theirs")
    issued = certificates.issue(
        "localhost", addresses=["127.0.0.1"], key=ec.generate_private_key(ec.SECP256R1())
    )
    path = settings(tmp_path, certificate=str(issued.certificate), key=str(issued.key))
    with running(path) as found:
        assert ask(found, certificates.path, "/sign-in", "127.0.0.1")[0] == 200


def test_only_one_console_serves_a_folder_and_a_port(tmp_path: Path) -> None:
    path = settings(tmp_path)
    with running(path) as found:
        assert "another console serves it" in refused(path)
        other = tmp_path / "other"
        other.mkdir()
        listen = {"host": "127.0.0.1", "port": found.listen.port}
        assert "can't listen at 127.0.0.1" in refused(settings(other, listen=listen))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"certificate": "a.pem"}, "certificate and key go together"),
        ({"names": ["http://a"]}, "is no name of a server"),
        ({"certificate": "no.pem", "key": "no.pem"}, "can't be used for HTTPS"),
        ({"identity": "nowhere"}, "no certificate is there yet"),
        ({"colour": "blue"}, "unknown setting 'colour'"),
        ({"listen": {"host": "a\0b", "port": 8080}}, "can't listen at"),
        ({"folder": "console.toml/console"}, "can't be the console's folder"),
        ({"folder": "taken"}, "can't be the console's folder"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    (tmp_path / "taken").mkdir(mode=0o700)
    (tmp_path / "taken" / "lock").symlink_to(tmp_path / "elsewhere")
    assert says in refused(settings(tmp_path, **changes))
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_wants_a_password_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.make_ca(tmp_path / "theirs").issue("localhost", addresses=["127.0.0.1"], key=key)
    issued.key.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))
    )
    found = refused(settings(tmp_path, certificate=str(issued.certificate), key=str(issued.key)))
    assert "can't be used for HTTPS" in found


def test_without_archive_and_broker_it_says_so_and_goes_on(tmp_path: Path) -> None:
    path = settings(tmp_path)
    (tmp_path / "archive.db").unlink()
    with running(path) as found:
        assert ask(found, None, "/health") == (503, b"the archive can't be read\n")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"list": "ours.csv"}, "The analyzer's settings are not known here"),
        ({"list": "ours.csv", "analyzer": "analyzer.toml"}, "ours.csv, which the console's settings name as"),
        ({"list": "theirs.csv", "analyzer": "analyzer.toml"}, ""),
        ({"analyzer": "analyzer.toml"}, ""),
    ],
)
def test_a_list_that_the_analyzer_does_not_read_is_told_of_in_one_line(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    (tmp_path / "analyzer.toml").write_text('lists = ["theirs.csv"]\narchive = "archive.db"\n')
    said: list[str] = []
    with running(settings(tmp_path, **changes), said):
        told = [line for line in said if "no row can be added" in line]
    assert len(told) == bool(says)
    assert all(says in line for line in told)


def test_relative_paths_start_at_the_settings_folder(tmp_path: Path) -> None:
    found = ConsoleSettings.of(settings(tmp_path))
    assert (found.folder, found.archive) == (tmp_path / "console", tmp_path / "archive.db")
    with pytest.raises(SettingsError):
        ConsoleSettings.of(tmp_path / "nowhere.toml")


def test_vedette_up_starts_it_and_says_where_it_is(tmp_path: Path) -> None:
    port = brokers.free_port()
    with Product(tmp_path, "--console", f"127.0.0.1:{port}") as product:
        line = product.await_line(lambda line: line.startswith("  console "))
        assert (
            line.split()
            == f"console http://127.0.0.1:{port}, first: vedette console user add NAME --role admin".split()
        )
        folder = ("--folder", str(tmp_path / "run"))
        vedette = [sys.executable, "-m", "vedette_console", "console"]
        deadline = time.monotonic() + WAIT
        while subprocess.run([*vedette, "health", *folder], check=False, capture_output=True).returncode != 0:
            assert time.monotonic() < deadline, (tmp_path / "run/log/console.log").read_text()
        added = subprocess.run(
            [*vedette, "user", "add", "ada", *folder], check=True, capture_output=True, text=True
        )
        assert re.fullmatch(r"([a-z0-9]{4}-){3}[a-z0-9]{4}\n", added.stdout)
        listed = subprocess.run(
            [*vedette, "user", "list", "--json", *folder], check=True, capture_output=True
        )
        assert [each["name"] for each in json.loads(listed.stdout)] == ["ada"]


def test_where_its_port_is_taken_all_else_goes_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with Product(tmp_path, "--console", where) as product:
            product.await_line(lambda line: line.endswith("choose another address; all else goes on\n"))
            assert product.process.poll() is None
            assert any(f"the console can't listen at {where}" in line for line in product.lines)


def test_an_archive_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    path = settings(tmp_path)
    with running(path) as found:
        for _ in range(2):
            assert ask(found, None, "/health") == (503, b"the broker is away\n")
            shutil.rmtree(tmp_path / "new", ignore_errors=True)
            (tmp_path / "new").mkdir()
            Writer(tmp_path / "new" / "archive.db").close()
            (tmp_path / "new" / "archive.db").replace(tmp_path / "archive.db")
