"""From a command received to its act in force, and its undoing; the floor is the bare nft, write or signal.

All of it in namespaces: a network of its own, and `/etc` an overlay. In force is what the system says:
the rules stand, the file is there, the process is gone. The way of a command is the program's own (gate,
journal, act, outcome kept in the spool), but for MQTT.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from uuid import UUID

from vedette_enforcer.acts import Acts
from vedette_enforcer.browsers import CHROMIUMS, OUR_FILE
from vedette_enforcer.core import Gate
from vedette_enforcer.enforcer import Enforcer
from vedette_enforcer.known import Known
from vedette_schemas import (
    Block,
    BlockedAddress,
    BlockedHost,
    BlockedPage,
    Isolate,
    Order,
    Outcome,
    OutcomeStatus,
    Terminate,
    Undo,
    topics,
)
from vedette_transport import BrokerAddress, Inbox, Outbox, Received, identify
from vedette_transport.signing import Verifier

from bench.result import percentile, publish
from tests.authority import make_ca
from tests.enforcer.orders import ANALYZER, ENFORCER, command

RUNS = 100
WARM_UP = 5
INSIDE = "VEDETTE_BENCH_INSIDE"
AIMS_MS = {"address": 5.0, "isolate": 10.0, "host name": 10.0, "page": 10.0, "terminate": 10.0}
HOSTS = Path("/etc/hosts")
TTL = 600


class Way:
    """The enforcer's way of a command, from the payload to the outcome that is kept."""

    def __init__(self, folder: Path) -> None:
        """Make a CA, and an enforcer that trusts it."""
        authority = make_ca(folder / "ca")
        self._signer = authority.issue(ANALYZER).signer()
        self._outbox = Outbox(ENFORCER, folder / "spool.db")
        self._inbox: Inbox = SimpleQueue()
        acts = Acts(folder / "journal.db", folder / "never", BrokerAddress(host="10.77.0.1"), "host-7", {})
        gate = Gate(Verifier(authority.path, ENFORCER), Known(self._outbox))
        self._enforcer = Enforcer(gate, self._inbox, 2.0, acts=acts)
        acts.start(self._inbox)

    def take(self, order: Order) -> tuple[float, UUID]:
        """Have an order carried out; return the milliseconds until its outcome is kept, and its id."""
        sent = command(order=order)
        event = Received(topics.command(ENFORCER), self._signer.sign(sent).encode())
        began = time.perf_counter()
        outcomes = self._enforcer.handle(event)
        while not outcomes:
            outcomes = self._enforcer.handle(self._inbox.get(timeout=10))
        self._outbox.put(outcomes[0])
        took = (time.perf_counter() - began) * 1_000
        _check(outcomes[0])
        return took, sent.id


def _check(outcome: Outcome) -> None:
    if outcome.status is not OutcomeStatus.DONE:
        raise RuntimeError(outcome.reason)


def _row(name: str, ours: list[float], undo: list[float], floor: list[float]) -> dict[str, object]:
    row: dict[str, object] = {"aim": AIMS_MS[name]}
    for title, values in (("", ours), ("undo ", undo), ("floor ", floor)):
        kept = values[WARM_UP:]
        if kept:
            row |= {f"{title}p{part}": round(percentile(kept, part), 2) for part in (50, 95)}
    return row


def _acts(
    way: Way, order: Callable[[int], Order], holds: Callable[[], bool]
) -> tuple[list[float], list[float]]:
    done: list[float] = []
    undone: list[float] = []
    for number in range(RUNS + WARM_UP):
        took, id_ = way.take(order(number))
        if not holds():
            raise RuntimeError("it is not in force")
        done.append(took)
        undone.append(way.take(Undo(command_id=id_))[0])
        if holds():
            raise RuntimeError("it is still in force")
    return done, undone


def _timed(act: Callable[[], object], after: Callable[[], object] = lambda: None) -> list[float]:
    found: list[float] = []
    for _ in range(RUNS + WARM_UP):
        began = time.perf_counter()
        act()
        found.append((time.perf_counter() - began) * 1_000)
        after()
    return found


def _nft(commands: str) -> None:
    subprocess.run(["/usr/sbin/nft", "-f", "-"], input=commands, text=True, check=True)


def _listed(what: str) -> bool:
    listing = subprocess.run(["/usr/sbin/nft", "list", "ruleset"], capture_output=True, text=True, check=True)
    return what in listing.stdout


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(b"127.0.0.1 localhost\n192.0.0.8 evil.example\n")
        file.flush()
        os.fsync(file.fileno())


def _address(number: int) -> Order:
    return Block(target=BlockedAddress(network=f"198.51.100.{number + 1}"), ttl_seconds=TTL)


def _host(number: int) -> Order:
    return Block(target=BlockedHost(name=f"evil-{number}.example"), ttl_seconds=TTL)


def _page(number: int) -> Order:
    return Block(target=BlockedPage(host="evil.example", path=f"/{number}"), ttl_seconds=TTL)


def _terminate(way: Way, program: Path) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    floor: list[float] = []
    for _ in range(RUNS + WARM_UP):
        with subprocess.Popen([program, "100"]) as started:
            process = identify(started.pid)
            while process is None or process.executable != str(program):
                process = identify(started.pid)
            ours.append(way.take(Terminate(process=process))[0])
        with subprocess.Popen([program, "100"]) as started:
            time.sleep(0.01)
            descriptor = os.pidfd_open(started.pid)
            began = time.perf_counter()
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOWAIT)
            floor.append((time.perf_counter() - began) * 1_000)
            os.close(descriptor)
    return ours, floor


def _measure(folder: Path) -> None:
    way = Way(folder)
    ours = CHROMIUMS[0].folder / OUR_FILE
    _nft("table inet floor { set a { type ipv4_addr; flags timeout; }\n}")
    once = "element inet floor a { 192.0.2.9"
    add = _timed(lambda: _nft(f"add {once} timeout 60s }}\n"), lambda: _nft(f"delete {once} }}\n"))
    write = _timed(lambda: _write(folder / "floor"))
    way.take(Block(target=BlockedAddress(network="203.0.113.1"), ttl_seconds=TTL))  # the table is there
    target = folder / "sleep"
    shutil.copy("/bin/sleep", target)
    ending, signalled = _terminate(way, target)
    details = {
        "address": _row("address", *_acts(way, _address, lambda: _listed("198.51.100.")), add),
        "isolate": _row(
            "isolate", *_acts(way, lambda _: Isolate(ttl_seconds=TTL), lambda: _listed("ipv6 timeout")), add
        ),
        "host name": _row("host name", *_acts(way, _host, lambda: b"evil-" in HOSTS.read_bytes()), write),
        "page": _row("page", *_acts(way, _page, ours.exists), write),
        "terminate": _row("terminate", ending, [], signalled),
    }
    publish(
        "actions",
        unit="ms",
        ours=float(str(details["address"]["p50"])),
        floor=float(str(details["address"]["floor p50"])),
        aim=", ".join(f"{name} ≤ {aim:g}" for name, aim in AIMS_MS.items()) + " (p50)",
        met=all(float(str(details[name]["p50"])) <= aim for name, aim in AIMS_MS.items()),
        details=details,
    )


def _overlay(folder: Path) -> None:
    for name in ("upper", "work"):
        (folder / name).mkdir()
    where = f"lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work"
    for each in (
        ["ip", "link", "set", "lo", "up"],
        ["mount", "-t", "overlay", "overlay", "/etc", "-o", where],
    ):
        subprocess.run(each, check=True)


def main() -> None:
    """Measure in namespaces of our own, and publish."""
    if os.environ.get(INSIDE) != "1":
        unshare = [
            shutil.which("unshare") or "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
        ]
        again = [*unshare, "--mount-proc", sys.executable, "-m", "bench", "actions"]
        subprocess.run(again, check=True, env={**os.environ, INSIDE: "1"})
        return
    with tempfile.TemporaryDirectory() as folder:
        _overlay(Path(folder))
        _measure(Path(folder))
        subprocess.run(["umount", "--lazy", "/etc"], check=True)


if __name__ == "__main__":
    main()
