"""The contract of Vedette: messages, topics, who may say what. No I/O."""

from . import topics
from .alerts import Alert, Match, Origin, State, Times, Where
from .commands import Action, Command, Notify, Order, Terminate
from .errors import MessageError, SettingsError, VedetteError
from .fields import (
    MAX_CLIPBOARD,
    MAX_PATH,
    MAX_PAYLOAD,
    MAX_TITLE,
    VERSION,
    HostName,
    Message,
    Mode,
    OperatingSystem,
    Process,
    Severity,
)
from .handover import MAX_LINE, Handover, Hello, Notice, Shown, Taken
from .observations import (
    ClipboardCopied,
    ConnectionOpened,
    Kind,
    Observation,
    Outcome,
    OutcomeStatus,
    ProcessStarted,
    WindowFocused,
)
from .principals import ANALYZER, SERVER, Principal, PrincipalName, Program
from .reports import MAX_ITEMS, Report, Stream
from .status import HEARTBEAT_SECONDS, Life, Status
from .wire import decode, decode_alert, decode_report, decode_status, encode

__all__ = [
    "ANALYZER",
    "HEARTBEAT_SECONDS",
    "MAX_CLIPBOARD",
    "MAX_ITEMS",
    "MAX_LINE",
    "MAX_PATH",
    "MAX_PAYLOAD",
    "MAX_TITLE",
    "SERVER",
    "VERSION",
    "Action",
    "Alert",
    "ClipboardCopied",
    "Command",
    "ConnectionOpened",
    "Handover",
    "Hello",
    "HostName",
    "Kind",
    "Life",
    "Match",
    "Message",
    "MessageError",
    "Mode",
    "Notice",
    "Notify",
    "Observation",
    "OperatingSystem",
    "Order",
    "Origin",
    "Outcome",
    "OutcomeStatus",
    "Principal",
    "PrincipalName",
    "Process",
    "ProcessStarted",
    "Program",
    "Report",
    "SettingsError",
    "Severity",
    "Shown",
    "State",
    "Status",
    "Stream",
    "Taken",
    "Terminate",
    "Times",
    "VedetteError",
    "Where",
    "WindowFocused",
    "decode",
    "decode_alert",
    "decode_report",
    "decode_status",
    "encode",
    "topics",
]
