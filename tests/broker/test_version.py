"""We stand on what is not public in amqtt: another version has to be read before it is used."""

import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

from amqtt.broker import Broker
from amqtt.mqtt import packet_dict

ROOT = Path(__file__).parents[2]


def test_amqtt_is_the_version_that_was_read() -> None:
    assert version("amqtt") == "0.12.1", "read broker.py and packets.py against it, and docs/upstream.md"
    pinned = tomllib.loads((ROOT / "broker/pyproject.toml").read_text())["project"]["dependencies"]
    assert "amqtt==0.12.1" in pinned


def test_what_we_override_is_there() -> None:
    assert re.search(r"await self\._create_server_instance\(", inspect.getsource(Broker))
    assert "close_instance" in inspect.getsource(Broker.shutdown)


def test_amqtts_packets_never_wait_once_their_bytes_are_here() -> None:
    reads = r"(read_or_raise|decode_string|decode_data_with_length|decode_packet_id|cls\.\w+\.from_stream)\("
    for packet in packet_dict.values():
        for part in (packet, packet.VARIABLE_HEADER, packet.PAYLOAD):
            if part is not None:
                assert not re.findall(rf"await (?!{reads}).*", inspect.getsource(part.from_stream))
