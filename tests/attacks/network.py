"""The product under attack, over TLS: a broker, the analyzer, and the sensor and enforcer of host-9."""

import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from vedette_archive import Reader
from vedette_schemas import (
    Alert,
    Principal,
    Process,
    State,
    Stream,
    decode_alert,
    topics,
)

from tests import brokers
from tests.authority import Authority, Issued, make_ca
from tests.enforcer.programs import NOBODY, Programs, lives

from .raw import ACCEPTED, Wire, connect
from .session import WAIT, Session, title_of, window

ANALYZER = Principal.parse("analyzer@0")
SENSOR, ENFORCER = Principal.parse("sensor@host-9"), Principal.parse("enforcer@host-9")
STOLEN = Principal.parse("sensor@host-7"), Principal.parse("enforcer@host-7")
"""Principals of a host whose keys somebody else has."""

LISTED, PHRASE = "listed-program", "a phrase that is listed"
ROWS = (f"program,{LISTED},terminate,high,,,,", f"phrase,{PHRASE},terminate,high,,,,")
HEADER = "type,value,action,severity,expires,source,attack,comment"
HANDS = ("operator@mallory", "operator@trudy")
OPERATORS = ("operator@anna", "operator@ben", *HANDS)


class Network:
    """Who is attacked: what runs, what an operator sees of it, and what the broker itself could do.

    `hand` is the broker's own: its rules let `HANDS` say and read anything.
    """

    def __init__(self, kind: str, folder: Path, programs: Programs, stack: ExitStack) -> None:
        self.kind, self.folder, self.programs, self._stack = kind, folder, programs, stack
        self.authority: Authority = make_ca(folder / "ca")
        self._issued: dict[str, Issued] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.broker = stack.enter_context(
            brokers.tls_broker(
                kind,
                folder / "broker",
                self.authority,
                operators=OPERATORS,
                more_rules="".join(f"\nuser {hand}\ntopic readwrite #\n" for hand in HANDS),
                module="tests.attacks.turned_broker",
            )
        )
        stack.callback(self._end_programs)
        (folder / "list.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
        self.watch = self.join("operator@ben", topics.EVERY_ALERT)
        self.hand = self.join(
            HANDS[0], topics.EVERY_COMMAND, topics.EVERY_STATUS, topics.EVERY_REPORT, topics.EVERY_ACK
        )
        for name in ("analyzer", "sensor", "enforcer"):
            self.start(name)

    # What runs

    def start(self, name: str) -> None:
        """Start a program, and wait until it says that it runs."""
        principal = ANALYZER if name == "analyzer" else Principal.parse(f"{name}@host-9")
        identity = self.folder / "identity" / name
        if not identity.exists():
            self.authority.identity(identity, str(principal))
        settings = self.folder / f"{name}.toml"
        own = {
            "analyzer": f'lists = ["list.csv"]\narchive = "archive.db"\ncrl = "{self.crl}"\n',
            "sensor": f'socket = "sensor.sock"\nspool = "{self.folder}/sensor.db"\n',
            "enforcer": f'socket = "enforcer.sock"\nspool = "{self.folder}/enforcer.db"\n'
            "block = false\nisolate = false\nterm_seconds = 0.2\n",
        }[name]
        address = self.broker.address
        where = f'[broker]\nhost = "{address.host}"\nport = {address.port}\n'
        settings.write_text(f'identity = "{identity}"\n{own}{where}')
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", f"vedette_{name}", "--settings", str(settings)],
                stdout=log,
                stderr=log,
                cwd=self.programs.folder,
            )
        self.hears(topics.status(principal), b'"running"')

    def kill(self, name: str) -> None:
        self._running[name].kill()
        self._running[name].wait()

    def cut(self, name: str) -> None:
        """Cut a program's connection, as a broker can at any time; wait until it is there again."""
        while not self.hand.messages.empty():
            self.hand.next()
        self.wire(f"{name}@host-9").socket.close()
        self.hears(topics.status(Principal.parse(f"{name}@host-9")), b'"running"')

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def log(self, name: str) -> str:
        """Return what a program has logged: `analyzer`, `sensor`, `enforcer` or `broker`."""
        path = (
            self.folder / "broker" / f"{self.kind}.log" if name == "broker" else self.folder / f"{name}.log"
        )
        return path.read_text()

    def await_log(self, name: str, part: str) -> None:
        deadline = time.monotonic() + WAIT
        while part not in self.log(name):
            assert time.monotonic() < deadline, f"the {name} did not say {part!r}"
            time.sleep(0.05)

    @property
    def crl(self) -> Path:
        return self.folder / "broker" / "crl.pem"

    # Who is there

    def identity(self, name: str) -> Issued:
        if name not in self._issued:
            self._issued[name] = self.authority.issue(name)
        return self._issued[name]

    def join(self, name: str, *subscriptions: str) -> brokers.Client:
        """Connect with a certificate of that name."""
        client = brokers.Client(self.broker.address, *subscriptions, client_id=name, tls=self.tls(name))
        self._stack.callback(client.close)
        return client

    def tls(self, name: str) -> ssl.SSLContext:
        return brokers.client_context(self.authority, self.identity(name))

    def put(self, folder: Path, name: str) -> Path:
        """Write an identity with the very certificate of that name."""
        folder.mkdir()
        issued = self.identity(name)
        files = {"key": issued.key, "certificate": issued.certificate, "ca": self.authority.path}
        for each, source in files.items():
            shutil.copy(source, folder / f"{each}.pem")
        return folder

    def revoke(self, name: str) -> None:
        """Put the certificate of that name on the list."""
        new = self.crl.with_suffix(".new")
        new.write_bytes(self.authority.revoke(self.identity(name)))
        new.replace(self.crl)

    def wire(self, name: str) -> Wire:
        """Connect by hand with a certificate of that name."""
        wire = Wire(self.broker.address, self.tls(name))
        wire.send(connect(name))
        assert wire.packet() == ACCEPTED
        return wire

    def session(self, uid: int = NOBODY) -> Session:
        """Join the sensor as a user's session."""
        return Session(self.programs.folder / "sensor.sock", uid)

    # What is seen

    def hears(self, topic: str, part: bytes = b"") -> bytes:
        """Wait until the broker sees a message under a topic, with this in it."""
        deadline, seen = time.monotonic() + WAIT, list[str]()
        while time.monotonic() < deadline:
            try:
                found, payload = self.hand.next(max(0.01, deadline - time.monotonic()))
            except AssertionError:
                break
            if found == topic and part in payload:
                return payload
            seen.append(found)
        logs = "\n".join(map(self.log, ("broker", *self._running)))
        raise AssertionError(f"nothing such under {topic}, only {seen}; what was logged:\n{logs}")

    def alert(self, wanted: Callable[[Alert], bool]) -> Alert:
        """Wait until an operator sees such an alert."""
        deadline, seen = time.monotonic() + WAIT, list[str]()
        while time.monotonic() < deadline:
            try:
                _, payload = self.watch.next(max(0.01, deadline - time.monotonic()))
            except AssertionError:
                break
            alert = decode_alert(payload)
            if wanted(alert):
                return alert
            seen.append(f"{alert.summary} / {alert.done}")
        raise AssertionError(f"no such alert among {seen}")

    def alert_that_says(self, *parts: str) -> Alert:
        return self.alert(lambda alert: all(part in f"{alert.summary} / {alert.done}" for part in parts))

    # What is to survive

    def stays(self, name: str, user: int = NOBODY) -> Process:
        """Start a program of that name, with a file of its own."""
        folder = self.programs.folder / uuid4().hex
        folder.mkdir()
        return self.programs.stay(self.programs.copy(name, folder=folder), user=user)

    def is_whole(self) -> bool:
        """Tell that all runs as before: what the victim sees is archived, its commands arrive.

        A listed program's window comes to the front on host-9, and the program is ended for it.
        """
        for name, program in self._running.items():
            assert program.poll() is None, f"the {name} has ended"
        assert self.broker.process.poll() is None
        process, title = self.stays(LISTED), uuid4().hex
        with self.session() as session:
            session.hand_over(window(process, title))
        final = self.alert(lambda alert: alert.state is State.FINAL and title_of(alert) == title)
        assert final.done == f"ended {LISTED} (pid {process.pid})"
        assert not lives(process)
        assert self.is_archived(final)
        return True

    def is_archived(self, alert: Alert) -> bool:
        """Tell whether the observation behind an alert is archived as host-9's sensor's."""
        origin = alert.origin
        assert origin is not None
        assert origin.principal == str(SENSOR)
        with Reader(self.folder / "archive.db") as archive:
            return origin.number in archive.numbers(Stream(origin.principal, origin.spool, origin.kind))

    def _end_programs(self) -> None:
        for program in self._running.values():
            program.terminate()
        for program in self._running.values():
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


@contextmanager
def network(kind: str) -> Generator[Network]:
    folder = Path(tempfile.mkdtemp(prefix="vedette-attacked-"))
    try:
        with ExitStack() as stack:
            yield Network(kind, folder, stack.enter_context(Programs()), stack)
    finally:
        shutil.rmtree(folder)
