"""What every Vedette program stands on: MQTT session, local socket, settings.

Signed commands are in `vedette_transport.signing`: not all need it, and cryptography takes 10 MB.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .backoff import backoff
from .entry import CANNOT_GO_ON, program_version, run
from .events import Asked, Call, Connected, Disconnected, Event, Inbox, Joined, Left, Line, Received, Stop
from .local import Client, Server, read_lines
from .processes import identify, start_time
from .settings import BrokerAddress, FilePath, Settings, load_settings
from .uplinking import HostSettings, Uplink, uplink, where_broker_is

if TYPE_CHECKING:
    from .loop import serve, stop_on_signals
    from .outbox import Outbox
    from .session import MqttSession
    from .spool import Note

_LATE = {
    "MqttSession": "session",
    "Note": "spool",
    "Outbox": "outbox",
    "serve": "loop",
    "stop_on_signals": "loop",
}
"""What takes MQTT, TLS and SQLite along: 10 MB that a user's session does without."""

__all__ = [
    "CANNOT_GO_ON",
    "Asked",
    "BrokerAddress",
    "Call",
    "Client",
    "Connected",
    "Disconnected",
    "Event",
    "FilePath",
    "HostSettings",
    "Inbox",
    "Joined",
    "Left",
    "Line",
    "MqttSession",
    "Note",
    "Outbox",
    "Received",
    "Server",
    "Settings",
    "Stop",
    "Uplink",
    "backoff",
    "identify",
    "load_settings",
    "program_version",
    "read_lines",
    "run",
    "serve",
    "start_time",
    "stop_on_signals",
    "uplink",
    "where_broker_is",
]


def __getattr__(name: str) -> object:
    """Load what is in `_LATE` when it is first asked for (PEP 562)."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATE[name]}", __name__), name)
