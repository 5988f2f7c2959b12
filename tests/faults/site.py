"""A server and its hosts: the product's own programs, with real keys, on a broker that can be killed too."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vedette_console.deployment import toml
from vedette_schemas import ANALYZER
from vedette_transport import start_time

from tests import brokers
from tests.authority import DAY, make_ca
from tests.e2e.product import write_list
from tests.faults import tally
from tests.faults.running import Program, until

MOST_LIVES, MOST_PREY = 25, 60
PHRASE = "a phrase that is listed"
_ROWS = (
    f"phrase,{PHRASE},alert,low,,,,",
    *(
        f"program,prey-{life}-{number},terminate,high,,,,"
        for life in range(1, MOST_LIVES + 1)
        for number in range(1, MOST_PREY + 1)
    ),
)


def python(module: str, *options: str) -> list[str]:
    """Return the command line of a module; `-P`: nothing in its folder is taken for one."""
    return [sys.executable, "-P", "-m", module, *options]


class Server:
    """A broker and an analyzer with its archive. `prefix` and `environment` are for its programs."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        *,
        prefix: Sequence[str] = (),
        broker_address: tuple[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        archive: Path | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.kind = folder, kind
        host, self.port = broker_address or ("127.0.0.1", brokers.free_port())
        self.archive = archive or folder / "archive.db"
        self._authority = make_ca(folder / "ca")
        # As the product issues them: valid on hosts whose clocks are behind, too.
        since = datetime.now(UTC) - DAY
        identity = self._authority.identity(
            folder / "analyzer", str(ANALYZER), valid_from=since, valid_for=2 * DAY
        )
        where = {"host": host, "port": self.port, "plain": True}
        self.settings = folder / "analyzer.toml"
        _write(
            self.settings,
            lists=[str(write_list(folder / "list.csv", *_ROWS))],
            identity=str(identity),
            archive=str(self.archive),
            broker=where,
        )
        self.broker = Program("broker", self._broker(host), folder, prefix=prefix)
        self.analyzer = Program(
            "analyzer",
            python("vedette_analyzer", "--settings", "analyzer.toml"),
            folder,
            prefix=prefix,
            environment=environment,
        )

    @property
    def ca(self) -> Path:
        """The certificate that its enforcers trust."""
        return self._authority.path

    def start(self) -> None:
        self.broker.start()
        self.analyzer.start()

    def stop(self) -> None:
        self.analyzer.stop()
        self.broker.stop()

    def _broker(self, host: str) -> list[str]:
        if self.kind == "embedded":
            _write(self.folder / "broker.toml", plain=True, listen={"host": host, "port": self.port})
            return python("vedette_broker", "--settings", "broker.toml")
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} {host}\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nuser root\n"
        )
        return [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", "mosquitto.conf"]

    def forget(self) -> None:
        """Take the broker's state away; it must have been stopped."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)


class Host:
    """A sensor and an enforcer, and the load that is their session."""

    def __init__(
        self,
        server: Server,
        name: str = "host-7",
        *,
        prefix: Sequence[str] = (),
        broker_address: tuple[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        spool: Path | None = None,
        spool_mib: int = 64,
    ) -> None:
        self.name = name
        self.folder = folder = server.folder / name
        folder.mkdir()
        self.spool = spool or folder / "sensor-spool.db"
        address, port = broker_address or ("127.0.0.1", server.port)
        common: dict[str, Any] = {"host": name, "broker": {"host": address, "port": port, "plain": True}}
        _write(
            folder / "sensor.toml", socket="sensor.sock", spool=str(self.spool), spool_mib=spool_mib, **common
        )
        _write(
            folder / "enforcer.toml",
            socket="enforcer.sock",
            spool=str(folder / "enforcer-spool.db"),
            ca=str(server.ca),
            **common,
        )
        self.sensor, self.enforcer = (
            Program(
                program,
                python(f"vedette_{program}", "--settings", f"{program}.toml"),
                folder,
                prefix=prefix,
                environment=environment,
            )
            for program in ("sensor", "enforcer")
        )
        self.lives = 0
        self.load: Program | None = None

    def start(self) -> None:
        self.sensor.start()
        self.enforcer.start()

    def begin(
        self,
        *,
        rate: float = 2_000,
        prey: float = 0.0,
        most: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Begin a life of a session, which makes observations until it is ended or has made so many."""
        self.lives += 1
        assert self.lives <= MOST_LIVES
        command = [sys.executable, "-m", "tests.faults.load", "--folder", ".", "--socket", "sensor.sock"]
        command += ["--life", str(self.lives), "--rate", str(rate), "--prey", str(prey), *options]
        command += ["--most", str(most)] if most is not None else []
        repository = str(Path(__file__).parents[2])
        environment = {"PYTHONPATH": repository}
        self.load = Program(f"load-{self.lives}", command, self.folder, environment=environment, once=True)
        self.load.start()
        until(lambda: self.now.made > 0, f"{self.load.name} makes observations")

    def kill(self) -> None:
        """Kill the session: what the sensor has not taken dies with it."""
        assert self.load is not None
        self.load.kill()

    def end(self, within: float = 60.0) -> None:
        """End the session once the sensor has taken all that it made."""
        load = self.load
        assert load is not None
        load.stop(within=within)
        assert load.code == 0, f"{load.name} ended with {load.code}"

    def await_all_made(self, within: float = 60.0) -> None:
        """Wait until a load that makes a certain number has handed all over, and has ended."""
        load = self.load
        assert load is not None
        until(lambda: load.deaths > 0, f"{load.name} has handed all over", within)
        assert load.code == 0, f"{load.name} ended with {load.code}"

    def count(self, life: int) -> tally.Count:
        """Return what a life of the session has made and handed over."""
        return tally.read(self.folder / f"life-{life}.tally")

    @property
    def now(self) -> tally.Count:
        """What the session of now has made and handed over."""
        return self.count(self.lives)

    def prey(self) -> list[dict[str, Any]]:
        """Return the listed programs that were started, each with the number of its observation."""
        path = self.folder / "prey.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def living_prey(self) -> list[dict[str, Any]]:
        """Return those of them that were seen and run."""
        return [each for each in self.prey() if each["number"] and _runs(each)]

    def ended_heirs(self) -> list[dict[str, Any]]:
        """Return those that were started later, unseen, and ended: nobody was ordered to."""
        return [each for each in self.prey() if not each["number"] and not _runs(each)]

    def stop(self) -> None:
        if self.load is not None:
            self.load.stop(within=2.0)
        self.sensor.stop()
        self.enforcer.stop()
        for each in filter(_runs, self.prey()):
            _kill_exactly(each["pid"], each["started"])


class Site:
    """A server and hosts, running until the block ends; on a failure their logs are shown."""

    def __init__(self, server: Server, *hosts: Host) -> None:
        self.server, self.hosts = server, hosts
        self._stack = ExitStack()

    @property
    def host(self) -> Host:
        """The first of its hosts."""
        return self.hosts[0]

    def __enter__(self) -> Self:
        parts: tuple[Server | Host, ...] = (self.server, *self.hosts)
        for part in parts:
            self._stack.callback(part.stop)
            part.start()
        return self

    def __exit__(
        self, _t: type[BaseException] | None, error: BaseException | None, _b: TracebackType | None
    ) -> None:
        self._stack.close()
        if error is not None:
            for log in sorted(self.server.folder.rglob("*.log")):
                lines = log.read_text("utf-8", "replace").splitlines()
                print(f"--- {log.relative_to(self.server.folder)}", *lines[-25:], sep="\n")


def _runs(prey: Mapping[str, Any]) -> bool:
    return start_time(int(prey["pid"])) == int(prey["started"])


def _kill_exactly(pid: int, started: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        if start_time(pid) == started:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    finally:
        os.close(descriptor)


def _write(path: Path, **settings: Any) -> None:
    path.write_text(toml(settings))
