"""Syslog messages by RFC 5424, and how a stream tells them apart (RFC 5425, RFC 6587)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from vedette_schemas import Severity

NIL = "-"

_LEVELS = {
    Severity.INFO: 6,
    Severity.LOW: 5,
    Severity.MEDIUM: 4,
    Severity.HIGH: 3,
    Severity.CRITICAL: 2,
}
_NOT_IN_A_NAME = re.compile(r"[^!-~]")
_NOT_IN_A_LABEL = re.compile(r'[^!-~]|[="\]]')


def message(
    *,
    facility: int,
    severity: Severity,
    at: datetime,
    host: str,
    process: str,
    kind: str,
    element: str,
    parameters: Mapping[str, str],
    body: str,
) -> bytes:
    """Return one message; `body` and values are UTF-8, in which control characters are replaced before.

    No byte order mark stands before the body: those who read CEF and JSON do not expect one, and without it
    the text is to be taken as it is (MSG-ANY).
    """
    priority = facility * 8 + _LEVELS[severity]
    time = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    names = (_name(host, 255), "vedette", _name(process, 128), _name(kind, 32))
    values = "".join(f' {_label(label)}="{_value(value)}"' for label, value in parameters.items())
    return f"<{priority}>1 {time} {' '.join(names)} [{_label(element)}{values}] {body}".encode()


def framed(messages: list[bytes]) -> bytes:
    """Return them as a stream carries them: each behind its length in bytes."""
    return b"".join(b"%d %s" % (len(each), each) for each in messages)


def _name(text: str, most: int) -> str:
    return _NOT_IN_A_NAME.sub("_", text)[:most] or NIL


def _label(text: str) -> str:
    return _NOT_IN_A_LABEL.sub("_", text)[:32] or "_"


def _value(text: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", text)
