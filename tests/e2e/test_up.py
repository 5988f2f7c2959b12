import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from vedette_schemas import Alert, Kind, Principal, State, decode_alert, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.e2e.product import WAIT, Product, write_list

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-9")


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with Product(tmp_path, plain=True) as found:
        yield found


def copied(text: str, number: int) -> bytes:
    return encode(messages.report(messages.clipboard(text), sender=str(SENSOR), first=number))


def contains(part: str, line: str) -> bool:
    return part in line


def publish(product: Product, text: str, number: int = 1) -> None:
    client = brokers.Client(BrokerAddress(port=product.port))
    client.publish(topics.report(SENSOR, Kind.CLIPBOARD), copied(text, number))
    client.close()


def test_it_says_that_it_is_ready_and_why_windows_are_not_watched(product: Product) -> None:
    assert "host host-7" in product.ready
    assert str(product.port) in product.ready
    off = [line for line in product.lines if line.startswith("window and clipboard are off")]
    assert len(off) == 1
    assert "DISPLAY" in off[0]


def test_an_alert_is_a_line_for_people_and_an_object_for_any_mqtt_client(product: Product) -> None:
    command = [
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        str(product.port),
        "-t",
        topics.EVERY_ALERT,
        "-C",
        "1",
        "-v",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as subscriber:
        assert subscriber.stdout is not None
        number = 0
        line = ""
        while not line:  # nothing says when its subscription is there: alert until it hears one
            number += 1
            publish(product, "some phrase", number)
            product.await_line(lambda line: "some phrase" in line)
            if subscriber.poll() is not None:
                line = subscriber.stdout.read()
    topic, _, payload = line.partition(" ")
    assert topic == "vedette/v1/alert/low/host-9"
    alert = json.loads(payload)
    assert (alert["host"], alert["severity"], alert["match"]["list"], alert["match"]["line"]) == (
        "host-9",
        "low",
        "list.csv",
        2,
    )
    assert "list.csv:2" in product.lines[-1]
    assert "host-9" in product.lines[-1]
    assert product.lines[-1].rstrip().endswith("ms")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_within_three_seconds_and_leaves_no_program_behind(
    product: Product, how: signal.Signals
) -> None:
    pids = product.pids()
    assert len(pids) >= 4
    took = product.stop(how)
    assert took < 3.0
    assert product.process.returncode == 0
    assert all(ended(pid) for pid in pids)


def test_killed_itself_it_leaves_no_program_behind(product: Product) -> None:
    fds = [os.pidfd_open(pid) for pid in product.pids()]
    product.process.kill()
    for fd in fds:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        assert poll.poll(10_000), "a program lives on"
        os.close(fd)


@pytest.mark.parametrize("program", ["broker", "analyzer", "sensor", "enforcer"])
def test_a_program_that_dies_is_started_again_and_works_again(product: Product, program: str) -> None:
    os.kill(product.pid(program), signal.SIGKILL)
    product.await_line(
        lambda line: line.startswith(f"{program} ended (killed by signal 9); starting it again")
    )
    deadline = time.monotonic() + WAIT
    for number in range(1, 1000):
        assert time.monotonic() < deadline, "it does not work again"
        try:
            publish(product, "some phrase", number)
            product.await_line(lambda line: "some phrase" in line, within=1.0)
        except (OSError, AssertionError):
            time.sleep(0.1)  # what was said while it was away is lost, for now
            continue
        break


def test_an_edit_of_the_list_takes_effect_within_a_second(product: Product) -> None:
    publish(product, "another phrase", 1)
    for number, phrase in enumerate(("another phrase", "a third phrase"), 2):
        write_list(product.list, f"phrase,{phrase},alert,low,,,,", "phrase,some phrase,alert,low,,,,")
        time.sleep(1.0)  # the promise: after a second the new list is in force
        publish(product, phrase, number)
        product.await_line(partial(contains, phrase))
    told = [line for line in product.lines if "another phrase" in line]
    assert sum("found in the archive" not in line for line in told) == 1, (
        "what was seen before is only found later"
    )


@pytest.mark.parametrize("text", ["", "type,value\nphrase,x\n", "garbage", "type,value,action,severity\n"])
def test_a_list_that_can_not_be_used_leaves_the_old_entries_in_force(product: Product, text: str) -> None:
    product.list.write_text(text)
    line = product.await_line(lambda line: "list.csv" in line and "stay in force" in line)
    assert "medium" in line
    publish(product, "some phrase")
    product.await_line(lambda line: "'some phrase'" in line)


def test_a_bad_line_is_told_with_its_number_and_the_good_ones_serve(product: Product) -> None:
    write_list(
        product.list, "phrase,some phrase,alert,low,,,,", "phrase,x,explode,low,,,,", "phrase,a new one,,,,,,"
    )
    product.await_line(lambda line: "line 3" in line)
    publish(product, "a new one")
    product.await_line(lambda line: "'a new one'" in line)


def test_hostile_payloads_are_dropped_and_the_work_goes_on(product: Product) -> None:
    client = brokers.Client(BrokerAddress(port=product.port))
    topic = topics.report(SENSOR, Kind.CLIPBOARD)
    huge = brokers.Client(BrokerAddress(port=product.port))
    with contextlib.suppress(RuntimeError):  # the embedded broker cuts such a sender off
        huge.publish(topic, b"x" * 1_000_000, within=1.0)
    huge.close()
    for payload in (b"", b"not json hunter2", b"x" * 400_000, b"[" * 200_000, b"\xff" * 100):
        for where in (topic, topics.status(SENSOR), topics.command(Principal.parse("enforcer@host-7"))):
            client.publish(where, payload)
    client.publish(topic, copied("some phrase", 1).replace(b"sensor@host-9", b"sensor@host-8"))
    client.publish(topic.replace("host-9", "host\n9"), copied("some phrase", 1))
    client.publish(topic.replace("/clipboard", "/window"), copied("some phrase", 1))
    client.publish(topic, copied("some phrase", 2))
    client.close()
    product.await_line(lambda line: "'some phrase'" in line)
    assert sum("'some phrase'" in line for line in product.lines) == 1
    logs = "".join(path.read_text() for path in (product.folder / "run" / "log").glob("*.log"))
    assert "dropped a message" in logs
    assert "hunter2" not in logs
    assert "Traceback" not in logs


def test_json_lines_are_alerts_and_nothing_else(tmp_path: Path) -> None:
    with Product(tmp_path, "--json", plain=True) as product:
        publish(product, "some phrase")
        alert = product.await_alert(lambda _: True)
    assert isinstance(alert, Alert)
    assert alert.state is State.FINAL


def fails(*options: str, environment: dict[str, str] | None = None) -> str:
    """Run `vedette` with these options; it must end with 2 and one line."""
    done = subprocess.run(
        [sys.executable, "-m", "vedette_console", *options],
        capture_output=True,
        text=True,
        timeout=WAIT,
        env=environment,
        check=False,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture
def taken() -> Generator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_a_port_that_is_taken_is_named(tmp_path: Path, taken: int) -> None:
    path = write_list(tmp_path / "list.csv", "phrase,x y,,,,,,")
    line = fails("up", "--folder", str(tmp_path / "run"), "--list", str(path), "--port", str(taken))
    assert str(taken) in line
    assert "in use" in line


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    port = str(brokers.free_port())
    line = fails(
        "up", "--folder", str(tmp_path / "run"), "--list", str(tmp_path / "none.csv"), "--port", port
    )
    assert str(tmp_path / "none.csv") in line


@pytest.mark.parametrize("host", ["a/b", "a#", "A", "a\nb", "-a", "a" * 64])
def test_a_host_name_that_would_spoil_a_topic_is_refused(tmp_path: Path, host: str) -> None:
    path = write_list(tmp_path / "list.csv", "phrase,x y,,,,,,")
    options = ("--folder", str(tmp_path / "run"), "--list", str(path), "--port", str(brokers.free_port()))
    assert fails("up", "--host", host, *options).startswith(f"vedette: --host {host!r}: give lower-case")


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = write_list(tmp_path / "list.csv", "phrase,x y,,,,,,")
    line = fails("up", "--folder", str(tmp_path / "file" / "run"), "--list", str(path))
    assert line.startswith(f"vedette: {tmp_path / 'file'}")
    assert "choose another --folder" in line


def test_a_broker_that_is_no_address_is_refused(tmp_path: Path) -> None:
    assert "HOST:PORT" in fails("up", "--broker", "nowhere")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[enforcer]\nblok = false", "[enforcer] 'blok': unknown setting"),
        ("[analyzer]\nblock_hours = 'many'", "[analyzer]: 'block_hours': "),
        ("[session]\nprivacy = 'none'", "[session]: 'privacy': "),
    ],
)
def test_a_setting_laid_over_that_can_not_be_used_is_named_with_its_file(
    tmp_path: Path, text: str, says: str
) -> None:
    mine, path = tmp_path / "mine.toml", write_list(tmp_path / "list.csv", "phrase,x y,,,,,,")
    mine.write_text(text)
    options = ("--folder", str(tmp_path / "run"), "--list", str(path), "--port", str(brokers.free_port()))
    assert f"{mine}: {says}" in fails("up", *options, "--settings", str(mine))


def test_a_setting_laid_over_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[enforcer]\nblock = false\n")
    with Product(tmp_path, "--settings", str(tmp_path / "mine.toml"), plain=True) as product:
        line = product.await_line(lambda line: line.startswith("  block "))
    assert "off: this host's settings forbid it" in line


def test_an_alert_payload_reads_back(product: Product) -> None:
    client = brokers.Client(BrokerAddress(port=product.port), topics.EVERY_ALERT)
    publish(product, "some phrase")
    _, payload = client.next()
    client.close()
    assert decode_alert(payload).match is not None
