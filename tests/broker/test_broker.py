import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from vedette_broker.admission import Admission
from vedette_broker.connection import Connection
from vedette_broker.grievances import Grievances
from vedette_broker.listener import Listener
from vedette_broker.settings import BrokerSettings
from vedette_broker.switchboard import Switchboard
from vedette_schemas import SettingsError
from vedette_transport import BrokerAddress, load_settings

from tests import brokers
from tests.attacks.raw import ACCEPTED, Wire, connect, subscribe


def settings(folder: Path, text: str) -> BrokerSettings:
    (folder / "broker.toml").write_text(text)
    return load_settings(BrokerSettings, folder / "broker.toml")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org"])
def test_it_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="loopback only"):
        settings(tmp_path, f'plain = true\n[listen]\nhost = "{host}"')


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_any_loopback_address_will_do(tmp_path: Path, host: str) -> None:
    assert settings(tmp_path, f'plain = true\n[listen]\nhost = "{host}"').listen.host == host


@pytest.mark.system
def test_garbage_ends_neither_it_nor_anothers_connection(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running:
        client = brokers.Client(running.address, "a/b")
        for garbage in (
            b"\x00",
            b"\xff" * 1_000,
            b"\x10\xff\xff\xff\x7f",
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x10\x02\x00\x04",
        ):
            with socket.create_connection((running.address.host, running.address.port)) as stranger:
                stranger.sendall(garbage)
        client.publish("a/b", b"still here")
        assert client.next() == ("a/b", b"still here")
        client.close()
        assert running.process.poll() is None
    assert "Traceback" not in (tmp_path / "embedded.log").read_text()


@pytest.mark.system
def test_a_thousand_messages_arrive_in_order_at_qos_1(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running:
        listener = brokers.Client(running.address, "a/#")
        sender = mqtt.Client(CallbackAPIVersion.VERSION2)
        sender.connect(running.address.host, running.address.port)
        sender.loop_start()
        for number in range(1_000):
            sender.publish("a/b", str(number), 1)
        received = [int(listener.next()[1]) for _ in range(1_000)]
        sender.disconnect()
        sender.loop_stop()
        listener.close()
    assert received == list(range(1_000))


@pytest.mark.system
def test_it_ends_in_order_when_asked(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running:
        running.process.terminate()
        assert running.process.wait(5) == 0


@pytest.mark.system
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("listen = 7", "listen"),
        ("[listen]\nport = 0", "port"),
        ("[listen", "not TOML"),
        ("[lisen]", "unknown setting 'lisen'"),
        ('plain = true\n[listen]\nhost = "0.0.0.0"', "loopback only"),
    ],
)
@pytest.mark.parametrize("module", ["vedette_broker"])
def test_bad_settings_end_it_with_one_line_and_2(tmp_path: Path, module: str, text: str, says: str) -> None:
    path = tmp_path / "broker.toml"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", module, "--settings", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert says in line
    assert line.startswith(f"vedette-broker: {path}: ")


@pytest.mark.system
def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = BrokerAddress(port=other.getsockname()[1])
        path = tmp_path / "broker.toml"
        path.write_text(f"plain = true\n[listen]\nport = {address.port}")
        done = subprocess.run(
            [sys.executable, "-m", "vedette_broker", "--settings", str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert str(address) in line
    assert "in use" in line


def memory(pid: int) -> int:
    """Return a process's RSS in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.system
def test_nothing_is_retained(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running:
        sender = mqtt.Client(CallbackAPIVersion.VERSION2)
        sender.connect(running.address.host, running.address.port)
        sender.loop_start()
        sender.publish("a/b", b"kept?", 1, retain=True).wait_for_publish(10)
        listener = brokers.Client(running.address, "a/#")
        sender.publish("a/c", b"live", 1).wait_for_publish(10)
        assert listener.next() == ("a/c", b"live")
        sender.disconnect()
        sender.loop_stop()
        listener.close()


@pytest.mark.system
def test_a_packet_that_is_too_large_cuts_its_sender_off(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running:
        before = memory(running.process.pid)
        with socket.create_connection((running.address.host, running.address.port)) as stranger:
            stranger.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x")
            assert stranger.recv(4) == b"\x20\x02\x00\x00"
            with contextlib.suppress(OSError):
                stranger.sendall(b"\x30\xff\xff\xff\x7f\x00\x01a" + b"x" * 30_000_000)
            with contextlib.suppress(ConnectionResetError):
                assert stranger.recv(1) == b""
        client = brokers.Client(running.address, "a/b")
        client.publish("a/b", b"still here")
        assert client.next() == ("a/b", b"still here")
        client.close()
        assert memory(running.process.pid) - before < 20


@pytest.mark.system
def test_a_client_that_does_not_read_is_cut_off_and_holds_nobody_up(tmp_path: Path) -> None:
    with (
        brokers.broker("embedded", tmp_path) as running,
        socket.create_connection((running.address.host, running.address.port)) as deaf,
    ):
        deaf.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x")
        deaf.sendall(b"\x82\x08\x00\x01\x00\x03a/b\x00")
        assert deaf.recv(4) == b"\x20\x02\x00\x00"
        listener = brokers.Client(running.address, "a/b")
        before = memory(running.process.pid)
        for number in range(500):
            listener.publish("a/b", b"%d" % number + b"x" * 100_000)
            assert listener.next()[1].startswith(b"%d" % number)
        assert memory(running.process.pid) - before < 40
        listener.close()


@pytest.mark.system
def test_it_ends_in_time_though_clients_left_while_it_hung(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running:
        running.process.send_signal(signal.SIGSTOP)
        with contextlib.closing(
            socket.create_connection((running.address.host, running.address.port))
        ) as gone:
            gone.sendall(bytes.fromhex("100c00044d5154540402003c0000"))
        running.process.send_signal(signal.SIGCONT)
        brokers.Client(running.address).close()
        running.process.terminate()
        assert running.process.wait(5) == 0


@pytest.mark.system
def test_a_name_can_not_write_into_the_log(tmp_path: Path) -> None:
    with brokers.broker("embedded", tmp_path) as running, Wire(running.address) as wire:
        wire.send(connect("a\nvedette-broker: all is well"), subscribe("#/x"))
        assert wire.packet() == ACCEPTED
        assert wire.packet() == b"\x90\x03\x00\x01\x80"
    lines = (tmp_path / "embedded.log").read_text().splitlines()
    assert not [line for line in lines if line.startswith("vedette-broker: all is well")]
    assert any(
        r"a\nvedette-broker: all is well from 127.0.0.1: refused a subscription" in line for line in lines
    )


def test_what_it_sends_does_not_wait_for_a_delayed_ack() -> None:
    """A command would wait 40 ms for the ACK of what went before."""

    async def option() -> int:
        made = asyncio.get_running_loop().create_future()

        class Client(Connection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                made.set_result(transport.get_extra_info("socket"))

        admission, grievances = Admission(per_second=10, most=10), Grievances()
        switchboard = Switchboard(admission, grievances, plain=True, revocations=None)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listener = Listener(
                [listening], admission, grievances, lambda address: Client(switchboard, address), lambda: None
            )
            _, writer = await asyncio.open_connection(*listening.getsockname())
            accepted: socket.socket = await made
            found = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            listener.close()
        return found

    assert asyncio.run(option()) == 1
