"""A host of a test's own: network, mounts and processes in namespaces, `/etc` an overlay."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.network import Namespace, join, namespace

IS = os.environ.get("VEDETTE_TESTS_INSIDE") == "1"
REPOSITORY = Path(__file__).parents[2]
SERVER, HOST = "10.77.1.1", "10.77.1.2"
OTHERS = ("10.77.9.1", "10.77.9.2", "fd77::9:1", "fd77::9:2")
"""Addresses beyond the server: what is to be blocked."""
HOSTS = "127.0.0.1\tlocalhost\n# the operator's own\n10.77.1.1\tserver\n"
_PATIENCE = 10.0
_LISTENER = """
import socket, sys, threading
def serve(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()
def answer(connection):
    while said := connection.recv(10_000):
        if said.startswith(b"GET "):
            page = said.split()[1]
            with open(sys.argv[1], "ab") as pages:
                pages.write(page + b"\\n")
            body = b"<title>seen</title><p>the page " + page + b"</p>"
            head = "HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nConnection: close\\r\\n"
            head += f"Content-Length: {len(body)}\\r\\n\\r\\n"
            connection.sendall(head.encode() + body)
            connection.close()
            return
        connection.sendall(said)
def names():
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(("0.0.0.0", 53))
    while True:
        query, who = asked.recvfrom(512)
        end = query.index(b"\\0", 12) + 5
        is_a = query[end - 4 : end - 2] == b"\\0\\1"
        answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4" + socket.inet_aton("10.77.9.1")
        address = answer if is_a else b""
        counts = b"\\0\\1" + (b"\\0\\1" if is_a else b"\\0\\0") + b"\\0\\0\\0\\0"
        asked.sendto(query[:2] + b"\\x81\\x80" + counts + query[12:end] + address, who)
threading.Thread(target=names).start()
for port in map(int, sys.argv[2:]):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    threading.Thread(target=serve, args=(listener,)).start()
print("listening", flush=True)
"""
"""Any name's address is OTHERS[0]; what is no request for a page comes back as it was said."""


def run(node: str) -> None:
    """Run one test in namespaces of its own; fail as it fails."""
    command = [shutil.which("unshare") or "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    command += ["--mount-proc", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", node]
    environment = {**os.environ, "VEDETTE_TESTS_INSIDE": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY
    )
    if done.returncode:
        pytest.fail(f"inside its namespaces:\n{done.stdout}\n{done.stderr}", pytrace=False)


@dataclass(eq=False)
class World:
    """What a test can do on its host."""

    folder: Path
    server: Namespace
    stack: ExitStack = field(default_factory=ExitStack)

    def reaches(self, address: str, port: int = 80, seconds: float = 1.0) -> bool:
        """Tell whether a connection to the server's side opens and carries something."""
        try:
            with self.connect(address, port, seconds) as connection:
                return echoes(connection)
        except OSError:
            return False

    def connect(self, address: str, port: int = 80, seconds: float = 1.0) -> socket.socket:
        connection = socket.create_connection((address, port), timeout=seconds)
        connection.settimeout(seconds)
        return connection

    def opened(self) -> list[str]:
        """Return the pages that were asked for at the server's side."""
        pages = self.folder / "pages"
        return pages.read_text().split() if pages.exists() else []

    def table(self) -> str:
        """Return our table as nft lists it, empty if there is none."""
        listing = subprocess.run(
            ["nft", "list", "table", "inet", "vedette"], capture_output=True, text=True, check=False
        )
        return listing.stdout

    def flush(self) -> None:
        """Lose the rule set, as a firewall's reload does."""
        subprocess.run(["nft", "flush", "ruleset"], check=True)

    def start(
        self, *command: str, prefix: tuple[str, ...] = (), log: str = "log"
    ) -> "subprocess.Popen[bytes]":
        """Start a program that ends with the test."""
        with (self.folder / log).open("ab") as output:
            program = subprocess.Popen([*prefix, *command], stdout=output, stderr=output, cwd=self.folder)
        self.stack.callback(_end, program)
        return program


NOWHERE = World(Path("/nonexistent"), Namespace(0))


def echoes(connection: socket.socket) -> bool:
    """Tell whether what is said comes back."""
    try:
        connection.sendall(b"hello")
        return connection.recv(100) == b"hello"
    except OSError:
        return False


def until(true: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
    """Wait until it is true."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        pause.wait(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


@contextmanager
def world(folder: Path) -> Generator[World]:
    """Make `/etc` an overlay, and lay a line to a server that listens at several addresses."""
    assert os.getpid() < 100, "this is no PID namespace of its own"
    upper = folder / "etc"
    upper.mkdir()
    _run("mount", "-t", "tmpfs", "tmpfs", str(upper))
    for name in ("upper", "work"):
        (upper / name).mkdir()
    _run(
        *("mount", "-t", "overlay", "overlay", "/etc"),
        *("-o", f"lowerdir=/etc,upperdir={upper}/upper,workdir={upper}/work"),
    )
    Path("/etc/hosts").write_text(HOSTS)
    Path("/etc/resolv.conf").write_text(f"nameserver {SERVER}\noptions timeout:1 attempts:1\n")
    Path("/etc/nsswitch.conf").write_text("hosts: files dns\n")
    _run("ip", "link", "set", "lo", "up")
    with namespace() as server, ExitStack() as stack:
        join(server, Namespace(os.getpid()), 1)
        _run("nft", "delete", "table", "ip", "cut")
        for where, last in ((server, 1), (Namespace(os.getpid()), 2)):
            where.run("ip", "addr", "add", f"fd77::1:{last}/112", "dev", "line1", "nodad")
        for address in OTHERS:
            server.run(
                "ip", "addr", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo", "nodad"
            )
        _run("ip", "route", "add", "default", "via", SERVER)
        _run("ip", "-6", "route", "add", "default", "via", "fd77::1:1")
        made = World(folder, server, stack)
        listener = [
            *server.prefix,
            sys.executable,
            "-c",
            _LISTENER,
            str(folder / "pages"),
            "80",
            "443",
            "8080",
        ]
        with subprocess.Popen(listener, stdout=subprocess.PIPE) as listening:
            stack.callback(listening.kill)
            assert listening.stdout is not None
            listening.stdout.readline()
            until(lambda: made.reaches(OTHERS[2]), "the line is up")
            with stack:
                yield made


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _end(program: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        program.kill()
    program.wait()
