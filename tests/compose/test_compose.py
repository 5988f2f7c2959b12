"""`docker compose up` with both brokers, one server through all of it; its hosts are outside."""

import json
import re
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from vedette_archive import check
from vedette_console.ca.certificates import names_of

from tests.compose.server import NAMES, SERVICES, ComposedServer
from tests.faults.counting import account, settle
from tests.faults.running import Program, until
from tests.faults.site import Site

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(600)]
PHRASE = "only listed in an edit"
ALERT = "vedette/v1/alert/low/host-7 "


@pytest.mark.parametrize("service", SERVICES)
def test_it_becomes_healthy(server: ComposedServer, service: str) -> None:
    server.await_health(service, "healthy")


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_may_do_next_to_nothing(server: ComposedServer, service: str) -> None:
    found = server.container(service)
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert 0 < host["Memory"] <= 2**30
    assert 0 < host["PidsLimit"] <= 100
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert found["Config"]["User"] not in {"", "0", "root", "0:0"}


@pytest.mark.parametrize("service", SERVICES)
def test_its_processes_have_neither_root_nor_capabilities(server: ComposedServer, service: str) -> None:
    container = server.container(service)["Id"]
    processes = server.engine.docker("top", container, "-eo", "pid").split()[1:]
    assert len(processes) >= 2, "an init, and what it runs"
    for pid in processes:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        assert set(status["Uid"].split()) not in ({"0"}, set())
        assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("path", ["/new", "/etc/new", "/var/lib/new", "/etc/vedette/broker.toml"])
def test_nothing_can_be_written_there(server: ComposedServer, service: str, path: str) -> None:
    container = server.container(service)["Id"]
    done = server.engine.run(
        ["docker", "exec", "--user", "0", container, "sh", "-c", f"echo x >> {path}"], check=False
    )
    assert done.returncode != 0
    assert "Read-only file system" in done.stderr


def volumes(server: ComposedServer, service: str, *, writable: bool) -> set[str]:
    mounts = server.container(service)["Mounts"]
    names = {
        mount.get("Name", "").removeprefix(f"{server.project}_")
        for mount in mounts
        if mount["RW"] is writable
    }
    return names - {""}


@pytest.mark.parametrize(
    ("service", "writes", "reads"),
    [
        ("ca", "ca public identity-broker identity-analyzer identity-health identity-console", ""),
        ("broker", "", "public identity-broker"),
        ("analyzer", "archive", "public identity-analyzer identity-health"),
        ("console", "console", "identity-console archive"),
    ],
)
def test_only_the_ca_has_its_key_and_all_others_their_own(
    server: ComposedServer, service: str, writes: str, reads: str
) -> None:
    assert volumes(server, service, writable=True) == set(writes.split())
    assert volumes(server, service, writable=False) == set(reads.split())


def test_it_is_published_on_loopback_only(server: ComposedServer) -> None:
    ports = (
        ("broker", 8883, server.port),
        ("ca", 8884, server.ca_port),
        ("console", 8080, server.console_port),
    )
    for service, port, outside in ports:
        published = server.container(service)["HostConfig"]["PortBindings"]
        assert published == {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outside)}]}
    assert not server.container("analyzer")["HostConfig"]["PortBindings"]


def test_its_certificate_is_good_for_the_names_that_it_was_given(server: ComposedServer) -> None:
    found = server.compose("exec", "-T", "ca", "cat", "identity/broker/certificate.pem")
    assert set(NAMES) < names_of(x509.load_pem_x509_certificate(found.encode()))


def test_without_a_certificate_nobody_gets_in(server: ComposedServer) -> None:
    asked = ["mosquitto_sub", "-h", "localhost", "-p", str(server.port), "--cafile", str(server.ca)]
    done = server.engine.run([*asked, "-t", "vedette/v1/alert/#", "-E", "-W", "5"], check=False)
    assert done.returncode != 0
    assert "certificate" in done.stderr or "connection was lost" in done.stderr


def test_an_admin_is_made_and_signs_in_by_https(server: ComposedServer) -> None:
    """The console's own certificate is the one in its volume; nobody else's is shown."""
    add = ("exec", "-T", "console", "vedette", "console", "user", "add", "ada", "--role", "admin")
    password = server.compose(*add, "--folder", "/etc/vedette").strip()
    shown = ssl.get_server_certificate(("127.0.0.1", server.console_port))
    assert shown.strip() in server.compose("exec", "-T", "console", "cat", "console/tls.pem")
    base = f"https://localhost:{server.console_port}"
    with httpx.Client(base_url=base, verify=False, timeout=60) as browser:
        browser.headers["Origin"] = str(browser.base_url).rstrip("/")

        def send(path: str, **fields: str) -> httpx.Response:
            found = re.search(r'name="token" value="([0-9a-f]{64})"', browser.get(path).text)
            assert found is not None
            return browser.post(path, data={"token": found[1], **fields})

        answer = send("/sign-in", name="ada", password=password, back="/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert browser.get("/").headers["location"] == "/password"
        own = "four words of one's own"
        assert send("/password", old=password, new=own, again=own).status_code == 303
        assert re.search(r"blocklist\.csv</bdi></strong>\s+[\d,]+ entries", browser.get("/indicators").text)
        assert browser.get("/history/export.xlsx").content.startswith(b"PK")


def test_an_operator_joins_and_acts_in_a_container(server: ComposedServer) -> None:
    """What is signed there reaches the analyzer, whose answer comes back."""
    token = server.token("operator@bea", "--server", "ca:8884", "--broker", "broker:8883")
    assert "joined as operator@bea" in server.compose("run", "--rm", "-T", "operator", "join", token)
    server.know_operators()
    assert server.compose("run", "--rm", "-T", "operator", "actions") == "nothing is in force or waits\n"
    done = server.attempt("run", "--rm", "-T", "operator", "block", "host-9", "evil.example")
    assert done.returncode == 1
    assert "vedette: no enforcer of host-9 has been heard" in done.stderr


def test_the_image_holds_no_keys_and_none_of_the_hosts_programs(server: ComposedServer) -> None:
    image = server.container("analyzer")["Image"]
    found = server.engine.docker(
        *("run", "--rm", "--network", "none", image, "sh", "-c"),
        "find / -xdev -name '*.key' -o -xdev -name 'key.pem' -o -xdev -name blocklist.csv;"
        "ls /opt/vedette/lib/python3*/site-packages",
    )
    assert ".key" not in found
    assert "key.pem" not in found
    assert "blocklist.csv" not in found
    assert not {"vedette_sensor", "vedette_enforcer", "pywinctl", "PIL"} & set(found.split())
    assert "vedette_analyzer" in found


def test_an_edit_of_the_list_leads_to_an_alert_about_a_host_outside(
    server: ComposedServer, site: Site
) -> None:
    identity = server.join_as_operator("anna")
    files = {"cafile": "ca.pem", "cert": "certificate.pem", "key": "key.pem"}
    client = ["mosquitto_sub", "-h", "localhost", "-p", str(server.port), "-i", "operator@anna"]
    client += [word for option, name in files.items() for word in (f"--{option}", str(identity / name))]
    client += ["-t", "vedette/v1/alert/#", "-v", "-d"]
    listener = Program("mosquitto_sub", ["stdbuf", "-oL", *client], server.folder, once=True)
    listener.start()
    listener.await_said("Subscribed")
    site.host.sensor.await_said("connected to the broker")
    before = len(server.rows)
    server.edit(f"phrase,{PHRASE},alert,low,,,,")
    until(
        lambda: f"{before + 1:,} indicators" in server.compose("logs", "analyzer"), "the edit is in force", 10
    )
    site.host.begin(options=["--copy", PHRASE])
    site.host.await_all_made()
    listener.await_said(ALERT, within=10)
    listener.stop()
    line = next(line for line in listener.said().splitlines() if line.startswith(ALERT))
    alert = json.loads(line.removeprefix(ALERT))
    assert (alert["host"], alert["severity"], alert["match"]["line"]) == ("host-7", "low", before + 2)


def test_the_broker_is_killed_twice_and_nothing_is_lost(server: ComposedServer, site: Site) -> None:
    """Nor is a command: those are signed by the key that was made on the volume."""
    host = site.host
    host.enforcer.await_said("connected to the broker")
    host.begin(rate=500, prey=1.0)
    for times in (2, 3):
        time.sleep(2.0)
        server.kill("broker")
        host.sensor.await_said("connected to the broker", times)
        host.enforcer.await_said("connected to the broker", times)
    time.sleep(1.0)
    host.end()
    settle(site)
    told = account(site)
    assert told.went_in > 2_000
    assert told.answered > 0
    told.assert_nothing_lost()
    assert host.living_prey() == []


def test_the_analyzer_is_killed_and_nothing_is_lost(server: ComposedServer, site: Site) -> None:
    site.host.begin(rate=500)
    time.sleep(1.0)
    server.kill("analyzer")
    time.sleep(1.0)
    site.host.end()
    settle(site)
    account(site).assert_nothing_lost()


def test_without_a_broker_the_analyzer_is_not_healthy(server: ComposedServer) -> None:
    server.await_health("broker", "healthy")
    server.await_health("analyzer", "healthy")
    server.compose("stop", "broker")
    server.await_health("analyzer", "unhealthy")
    server.compose("start", "broker")
    server.await_health("broker", "healthy")
    server.await_health("analyzer", "healthy")


def test_a_broker_that_hangs_is_not_healthy(server: ComposedServer) -> None:
    """Its port still takes connections: what the kernel does for it says nothing."""
    container = server.container("broker")
    processes = server.engine.docker("top", container["Id"], "-eo", "pid,ppid").splitlines()[1:]
    init = str(container["State"]["Pid"])  # a probe is no child of it
    pids = [pid for pid, parent in map(str.split, processes) if parent == init]
    subprocess.run(["kill", "-STOP", *pids], check=True)
    try:
        server.await_health("broker", "unhealthy", within=90)
    finally:
        subprocess.run(["kill", "-CONT", *pids], check=True)
    server.await_health("broker", "healthy")


def test_it_stops_before_it_is_killed_and_goes_on_where_it_was(server: ComposedServer) -> None:
    before = server.ca.read_text()
    server.compose("stop")
    for service in SERVICES:
        assert server.container(service)["State"]["ExitCode"] == 0, service
        assert not server.container(service)["State"]["OOMKilled"]
    assert check(server.archive) == []
    server.compose("down")
    server.up()
    assert server.ca.read_text() == before
    server.await_health("analyzer", "healthy")
