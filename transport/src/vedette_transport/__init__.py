"""What every Vedette program stands on: MQTT session, signed commands, local socket, settings."""

from .backoff import backoff
from .entry import CANNOT_GO_ON, program_version, run
from .events import Asked, Call, Connected, Disconnected, Event, Inbox, Joined, Left, Line, Received, Stop
from .local import Client, Server, read_lines
from .loop import serve
from .outbox import Outbox
from .processes import identify, start_time
from .session import MqttSession
from .settings import BrokerAddress, Settings, load_settings
from .signing import CommandRefusedError, Signer, Verifier

__all__ = [
    "CANNOT_GO_ON",
    "Asked",
    "BrokerAddress",
    "Call",
    "Client",
    "CommandRefusedError",
    "Connected",
    "Disconnected",
    "Event",
    "Inbox",
    "Joined",
    "Left",
    "Line",
    "MqttSession",
    "Outbox",
    "Received",
    "Server",
    "Settings",
    "Signer",
    "Stop",
    "Verifier",
    "backoff",
    "identify",
    "load_settings",
    "program_version",
    "read_lines",
    "run",
    "serve",
    "start_time",
]
