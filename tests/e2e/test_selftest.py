"""`vedette selftest` against the real product: all is well, or what is not is named."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from vedette_archive import check
from vedette_schemas import Alert, Severity

from tests import brokers
from tests.authority import Authority, make_ca
from tests.e2e.product import Product

pytestmark = pytest.mark.system


class Found(NamedTuple):
    code: int
    parts: dict[str, dict[str, Any]]

    @property
    def bad(self) -> set[str]:
        return {part for part, found in self.parts.items() if found["state"] == "bad"}

    def words(self, part: str) -> str:
        return str(self.parts[part]["words"])


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "vedette_console", "selftest", "--folder", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def selftest(folder: Path, *words: str, wait: int = 8) -> Found:
    done = run(folder, "--json", "--wait", str(wait), *words)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert said["well"] == (done.returncode == 0)
    return Found(done.returncode, {each["part"]: each for each in said["checks"]})


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("product")
    with Product(folder, "--json", "--mode", "observe") as running:
        yield running
    assert check(folder / "run" / "archive.db") == []


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("stranger"))


@contextmanager
def stopped(pid: int) -> Generator[None]:
    """Have a program hang."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def operator(folder: Path, product: Product, identity: Path, port: int | None = None) -> Path:
    """Make a folder in which another operator acts."""
    folder.mkdir()
    (folder / "operator.toml").write_text(
        f'identity = "{identity}"\narchive = "{product.folder}/run/archive.db"\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {port or product.port}\n'
    )
    return folder


def test_all_is_well_in_observe_mode_and_changes_nothing(product: Product) -> None:
    found = selftest(product.folder / "run")
    assert (found.code, found.bad) == (0, set[str]())
    assert {each["state"] for each in found.parts.values()} == {"good"}
    assert found.words("TLS").startswith("TLSv1.")
    assert found.words("signature") == "an altered act was refused; the command's signature holds"
    assert list(found.parts["window"]["ms"]) == ["sensor", "broker", "analyzer", "archive and alert", "all"]
    assert list(found.parts["enforcer"]["ms"])[:4] == ["analyzer", "broker", "enforcer", "back"]
    assert all(part["ms"] is None or min(part["ms"].values()) >= 0 for part in found.parts.values())
    told: list[Alert] = []

    def all_told(alert: Alert) -> bool:
        told.append(alert)
        return {"selftest", "act"} <= {each.detector for each in told if each.state == "final"}

    product.await_alert(all_told)
    assert {alert.severity for alert in told} == {Severity.INFO}


def test_people_read_a_table_that_fits(product: Product) -> None:
    done = run(product.folder / "run")
    assert (done.returncode, done.stderr) == (0, "")
    *_, last = done.stdout.splitlines()
    assert last.startswith("host-7: all is well (")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_another_host_is_tested_as_far_as_that_goes_from_here(product: Product) -> None:
    found = selftest(product.folder / "run", "host-9")
    assert (found.code, found.bad) == (1, {"enforcer"})
    assert found.words("enforcer") == "no enforcer of host-9 has been heard"
    assert found.parts["window"]["state"] == "none"


@pytest.mark.parametrize(
    ("program", "bad"),
    [("enforcer", {"enforcer"}), ("analyzer", {"analyzer"}), ("sensor", {"window", "clipboard"})],
)
def test_a_program_that_hangs_is_named(product: Product, program: str, bad: set[str]) -> None:
    with stopped(product.pid(program)):
        found = selftest(product.folder / "run", wait=5)
    assert (found.code, found.bad) == (1, bad)


def test_hosts_are_listed_while_the_analyzer_hangs(product: Product) -> None:
    command = [sys.executable, "-m", "vedette_console", "hosts", "--folder", str(product.folder / "run")]
    with stopped(product.pid("analyzer")):
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (host,) = json.loads(done.stdout)["hosts"]
    assert (host["host"], host["mode"], host["ceiling"]) == ("host-7", "observe", "enforce")
    assert (host["enrolled"], host["marks"], host["lost"]) == (True, [], {})
    assert host["facts"]["enforcer@host-7"]["test"] == "on"


def test_an_archive_that_nobody_can_write_is_named(product: Product) -> None:
    with closing(sqlite3.connect(product.folder / "run" / "archive.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        found = selftest(product.folder / "run", wait=3)
    assert (found.code, found.bad) == (1, {"archive"})
    assert found.words("archive") == "the analyzer lives, but archived nothing in 3 s"


def test_an_archive_that_is_not_where_it_should_be_is_named(product: Product) -> None:
    settings = product.folder / "run" / "operator.toml"
    before = settings.read_text()
    settings.write_text(before.replace("archive.db", "elsewhere.db"))
    try:
        found = selftest(product.folder / "run")
    finally:
        settings.write_text(before)
    assert (found.code, found.bad) == (1, {"archive"})
    assert "is not there" in found.words("archive")


def test_a_certificate_of_another_ca_is_named(product: Product, stranger: Authority, tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    stranger.identity(identity, "operator@anna")
    identity.chmod(0o700)
    found = selftest(operator(tmp_path / "other", product, identity), "host-7", wait=1)
    assert (found.code, found.bad) == (1, {"TLS"})
    assert "not of our CA" in found.words("TLS")


def test_a_broker_that_is_not_there_is_named(product: Product, tmp_path: Path) -> None:
    identity = product.folder / "run" / "identity" / "operator"
    found = selftest(operator(tmp_path / "other", product, identity, brokers.free_port()), "host-7", wait=1)
    assert (found.code, found.bad) == (1, {"broker"})
    assert "Connection refused" in found.words("broker")


@pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="no Mosquitto here")
@pytest.mark.parametrize(
    ("rules", "has_let_through"), [("\nuser operator@anna\ntopic readwrite #\n", True), ("", False)]
)
def test_a_broker_without_rules_is_named(
    product: Product, stranger: Authority, tmp_path: Path, rules: str, *, has_let_through: bool
) -> None:
    identity = tmp_path / "identity"
    stranger.identity(identity, "operator@anna")
    with brokers.tls_broker("mosquitto", tmp_path / "broker", stranger, more_rules=rules) as broker:
        folder = operator(tmp_path / "other", product, identity, broker.address.port)
        found = selftest(folder, "host-7", wait=2)
    assert found.code == 1
    assert ("ACL" in found.bad, "analyzer" in found.bad) == (has_let_through, True)
    assert ("forge the analyzer's answers" in found.words("ACL")) is has_let_through


def test_without_tls_there_is_none_to_test_and_all_is_well(tmp_path: Path) -> None:
    with Product(tmp_path, plain=True):
        found = selftest(tmp_path / "run")
    assert (found.code, found.bad) == (0, set[str]())
    assert {part for part, each in found.parts.items() if each["state"] == "none"} == {"TLS", "ACL"}


def test_without_settings_it_can_not_be_tried(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "name the folder of 'vedette up'" in done.stderr
