"""The one place that spells topics and says who may send what."""

import re
import zlib
from typing import NamedTuple

from .errors import MessageError
from .fields import HOST_LABEL, Severity
from .observations import Kind
from .principals import Principal, Program

_ROOT = "vedette/v1"
SHARDS = 64

EVERY_REPORT = f"{_ROOT}/up/+/+/+"
EVERY_STATUS = f"{_ROOT}/status/+"
EVERY_ACT = f"{_ROOT}/act/+"
EVERY_ACK = f"{_ROOT}/ack/+"
EVERY_COMMAND = f"{_ROOT}/cmd/+"
ALERTS = f"{_ROOT}/alert/"
EVERY_ALERT = f"{ALERTS}#"

OWN_REPORTS = f"{_ROOT}/up/+/%u/+"
OWN_STATUS = f"{_ROOT}/status/%u"
OWN_ACKS = f"{_ROOT}/ack/%u"
OWN_COMMANDS = f"{_ROOT}/cmd/%u"
"""As in a pattern of Mosquitto's, where `%u` is whoever is connected."""

MAY_REPORT: dict[Program, frozenset[Kind]] = {
    Program.SENSOR: frozenset(
        {Kind.WINDOW, Kind.CLIPBOARD, Kind.PROCESS, Kind.PROGRAM, Kind.CONNECTION, Kind.STOPPED}
    ),
    Program.ENFORCER: frozenset({Kind.OUTCOME, Kind.STOPPED}),
}
"""Which kinds of observation a program may report; a program that is not named may report none."""

MAY_ACK: frozenset[Program] = frozenset({Program.ANALYZER})
"""Who may say that something is archived: the broker holds all others from the topics of acks."""

MAY_ACT: frozenset[Program] = frozenset({Program.CONSOLE, Program.OPERATOR})
"""Who may approve, undo and order by hand."""


def shard(host: str) -> int:
    """Return the shard (0 to 63) that a host's reports travel under."""
    return zlib.crc32(host.encode()) % SHARDS


def report(principal: Principal, kind: Kind) -> str:
    """Return the topic that `principal` reports observations of `kind` under."""
    return f"{_ROOT}/up/{shard(principal.host):02d}/{principal}/{kind}"


def ack(sender: Principal) -> str:
    """Return the topic under which `sender` learns what of its observations is archived."""
    return f"{_ROOT}/ack/{sender}"


def command(audience: Principal) -> str:
    """Return the topic of commands to an enforcer."""
    return f"{_ROOT}/cmd/{audience}"


def act(principal: Principal) -> str:
    """Return the topic under which `principal` acts."""
    return f"{_ROOT}/act/{principal}"


def status(principal: Principal) -> str:
    """Return the topic under which `principal` tells how it is."""
    return f"{_ROOT}/status/{principal}"


def alert(severity: Severity, host: str) -> str:
    """Return the topic of alerts of that severity about a host."""
    return f"{_ROOT}/alert/{severity}/{host}"


class ReportTopic(NamedTuple):
    """What a report's topic says of it."""

    principal: Principal
    kind: Kind


_UP = re.compile(rf"{_ROOT}/up/([0-9]{{2}})/([a-z]+@{HOST_LABEL})/([a-z]+)")
_ACK = re.compile(rf"{_ROOT}/ack/([a-z]+@{HOST_LABEL})")
_ACT = re.compile(rf"{_ROOT}/act/([a-z]+@{HOST_LABEL})")
_STATUS = re.compile(rf"{_ROOT}/status/([a-z]+@{HOST_LABEL})")


def is_report(topic: str) -> bool:
    """Tell whether a message of this topic is to be read as a report."""
    return topic.startswith(f"{_ROOT}/up/")


def is_act(topic: str) -> bool:
    """Tell whether a message of this topic is to be read as an act."""
    return topic.startswith(f"{_ROOT}/act/")


def comes_again(topic: str) -> bool:
    """Tell whether what is lost under this topic comes again: reports and acts do, and heartbeats go on."""
    return topic.startswith((f"{_ROOT}/up/", f"{_ROOT}/act/", f"{_ROOT}/status/"))


def read_report_topic(topic: str) -> ReportTopic:
    """Return who may be heard under `topic`, and with which kind.

    Raise `MessageError` where the topic is malformed, in the wrong shard, or of a kind that its
    principal may not report: what a report itself says can't mend that.
    """
    found = _UP.fullmatch(topic)
    if found is None:
        raise MessageError("not a report's topic")
    principal = Principal.parse(found[2])
    if int(found[1]) != shard(principal.host):
        raise MessageError("the wrong shard for its host")
    if found[3] not in MAY_REPORT.get(principal.program, ()):
        raise MessageError(f"a kind that {principal.program} may not report")
    return ReportTopic(principal, Kind(found[3]))


def read_status_topic(topic: str) -> Principal:
    """Return whose status `topic` carries; raise `MessageError` where it is none."""
    found = _STATUS.fullmatch(topic)
    if found is None:
        raise MessageError("not a status topic")
    return Principal.parse(found[1])


def read_act_topic(topic: str) -> Principal:
    """Return who acts under `topic`; raise `MessageError` where it is no such topic, or not theirs to use."""
    found = _ACT.fullmatch(topic)
    if found is None:
        raise MessageError("not an act's topic")
    principal = Principal.parse(found[1])
    if principal.program not in MAY_ACT:
        raise MessageError(f"an act, which {principal.program} may not do")
    return principal


def read_ack_topic(topic: str) -> Principal:
    """Return whom the ack of `topic` is for; raise `MessageError` where it is none."""
    found = _ACK.fullmatch(topic)
    if found is None:
        raise MessageError("not an ack's topic")
    return Principal.parse(found[1])
