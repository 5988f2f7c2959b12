"""The floor of `ingest`: the same bytes, 50 to a message, through a bare client into a bare `executemany`."""

import sqlite3
import sys
import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from vedette_schemas import encode

from bench.ingest_load import COUNT, observation

_TOGETHER = 50
_A_COMMIT = 40
_UNDER_WAY = 4 * _A_COMMIT
"""Messages that are not stored yet: a broker cuts off whoever does not read what waits for them."""


def subscribe(port: int, path: str) -> None:
    """Store each line of each message; say `done` after the last."""
    archive = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    archive.execute("PRAGMA journal_mode=WAL")
    archive.execute("PRAGMA synchronous=FULL")
    archive.execute(
        "CREATE TABLE o (stream INTEGER, number INTEGER, body TEXT, PRIMARY KEY (stream, number)) "
        "WITHOUT ROWID"
    )
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    number = messages = 0

    def receive(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        nonlocal number, messages
        if not archive.in_transaction:
            archive.execute("BEGIN IMMEDIATE")
        rows = [(1, at, line) for at, line in enumerate(message.payload.decode().split("\n"), number)]
        archive.executemany("INSERT INTO o VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows)
        number += len(rows)
        messages += 1
        if messages % _A_COMMIT == 0 or number == COUNT:
            archive.execute("COMMIT")
            client.publish("stored", b"", 0)
        if number == COUNT:
            _say("done")

    def subscribed(*_: Any) -> None:
        _say("ready")

    client.on_message = receive
    client.on_subscribe = subscribed
    client.connect("127.0.0.1", port)
    client.subscribe("up/#", 0)
    client.loop_forever()


def publish(port: int) -> None:
    """Send all as fast as it is stored."""
    lines = [encode(observation(number)) for number in range(COUNT)]
    free = threading.Semaphore(_UNDER_WAY)
    client = mqtt.Client(CallbackAPIVersion.VERSION2)

    def stored(*_: Any) -> None:
        free.release(_A_COMMIT)

    def subscribed(*_: Any) -> None:
        _say("ready")

    client.on_message = stored
    client.on_subscribe = subscribed
    client.connect("127.0.0.1", port)
    client.subscribe("stored", 0)
    client.loop_start()
    sys.stdin.readline()
    for at in range(0, COUNT, _TOGETHER):
        free.acquire()
        client.publish("up/1", b"\n".join(lines[at : at + _TOGETHER]), 0)
    sys.stdin.readline()


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "subscribe":
        subscribe(int(sys.argv[2]), sys.argv[3])
    else:
        publish(int(sys.argv[2]))
