"""The floor of `latency`: the product's hops in scripts without types, checks, signatures or guards."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from Xlib import X
from Xlib.display import Display
from Xlib.ext import res


def client(port: int) -> mqtt.Client:
    """Return a connected client."""
    found = mqtt.Client(CallbackAPIVersion.VERSION2)
    found.connect("127.0.0.1", port)
    return found


def session(path: str) -> None:
    """Wait for the active window to change; tell its PID and title over a Unix socket."""
    display = Display()
    root = display.screen().root
    active, name = display.intern_atom("_NET_ACTIVE_WINDOW"), display.intern_atom("_NET_WM_NAME")
    root.change_attributes(event_mask=X.PropertyChangeMask)
    sensor_socket = socket.socket(socket.AF_UNIX)
    sensor_socket.connect(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        event = display.next_event()
        if event.type != X.PropertyNotify or event.atom != active:
            continue
        number = root.get_full_property(active, X.AnyPropertyType).value[0]
        if not number:
            continue
        try:
            title: Any = display.create_resource_object("window", number).get_full_property(
                name, X.AnyPropertyType
            )
            found = display.res_query_client_ids([{"client": number, "mask": res.LocalClientPIDMask}])
            pid = int(found.ids[0].value[0])
            what = {
                "pid": pid,
                "exe": str(Path(f"/proc/{pid}/exe").readlink()),
                "title": str(title and title.value),
            }
        except Exception:  # noqa: BLE001 (a window that is gone already)
            continue
        sensor_socket.sendall(json.dumps(what).encode() + b"\n")


def sensor(path: str, port: str) -> None:
    """Publish each line."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    publisher = client(int(port))
    publisher.loop_start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in server.accept()[0].makefile("rb"):
        publisher.publish("up", line, 1)


def analyzer(port: str, listed: str) -> None:
    """Order what is listed to be ended."""
    subscriber = client(int(port))

    def judge(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        what = json.loads(message.payload)
        if what["exe"] == listed:
            subscriber.publish("cmd", json.dumps({"pid": what["pid"]}), 1)

    subscriber.on_message = judge
    subscriber.subscribe("up", 1)
    subscriber.loop_start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    time.sleep(3600)


def enforcer(port: str) -> None:
    """End what is ordered, and say so."""
    subscriber = client(int(port))

    def act(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        fd = os.pidfd_open(json.loads(message.payload)["pid"])
        os.kill(json.loads(message.payload)["pid"], 15)
        select.select([fd], [], [], 5)
        os.close(fd)
        subscriber.publish("outcome", b"done", 1)

    subscriber.on_message = act
    subscriber.subscribe("cmd", 1)
    subscriber.loop_start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    time.sleep(3600)


@contextmanager
def running(folder: Path, environment: dict[str, str], listed: Path, port: str) -> Generator[None]:
    """Run the scripts, on the product's own embedded broker, while the block lasts."""
    (folder / "broker.toml").write_text(f"plain = true\n[listen]\nport = {port}\n")
    path = str(folder / "floor.sock")
    with ExitStack() as stack:
        broker = [sys.executable, "-m", "vedette_broker", "--settings", str(folder / "broker.toml")]
        _start(stack, broker, environment, until=b"listening")
        for role in (
            ["analyzer", port, str(listed)],
            ["enforcer", port],
            ["sensor", path, port],
            ["session", path],
        ):
            _start(stack, [sys.executable, "-m", "bench.floor_latency", *role], environment, until=b"ready")
        yield


def _start(stack: ExitStack, command: list[str], environment: dict[str, str], *, until: bytes) -> None:
    process = stack.enter_context(
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    )
    stack.callback(process.terminate)
    assert process.stdout is not None
    if not any(until in line for line in process.stdout):
        raise RuntimeError(f"{command} did not start")


if __name__ == "__main__":
    roles: dict[str, Callable[..., None]] = {
        "session": session,
        "sensor": sensor,
        "analyzer": analyzer,
        "enforcer": enforcer,
    }
    roles[sys.argv[1]](*sys.argv[2:])
