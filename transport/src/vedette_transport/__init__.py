"""What every Vedette program stands on: MQTT session, local socket, settings.

Signed commands are in `vedette_transport.signing`: not all need it, and cryptography takes 10 MB.
"""

from .backoff import backoff
from .entry import CANNOT_GO_ON, program_version, run
from .events import Asked, Call, Connected, Disconnected, Event, Inbox, Joined, Left, Line, Received, Stop
from .local import Client, Server, read_lines
from .loop import serve, stop_on_signals
from .outbox import Outbox
from .processes import identify, start_time
from .session import MqttSession
from .settings import BrokerAddress, FilePath, Settings, load_settings
from .spool import Note
from .uplinking import HostSettings, Uplink, uplink, where_broker_is

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
