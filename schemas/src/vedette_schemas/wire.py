"""From payload to message: the only way in for what comes from outside."""

from typing import TypeVar

from pydantic import ValidationError

from .alerts import Alert
from .errors import MessageError
from .fields import MAX_PAYLOAD, Message
from .reports import Report
from .status import Status
from .topics import read_report_topic, read_status_topic

_M = TypeVar("_M", bound=Message)


def decode(model: type[_M], payload: bytes | bytearray | str) -> _M:
    """Read a payload; raise `MessageError`, whose text holds nothing of the payload."""
    if len(payload) > MAX_PAYLOAD:
        raise MessageError(f"{len(payload)} bytes, more than {MAX_PAYLOAD}")
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        # Names of unknown fields come from the payload: only the fields of ours are said.
        place = ".".join(str(step) for step in first["loc"] if step in model.model_fields)
        raise MessageError(f"not a {model.__name__}: {place or 'it'} ({first['type']})") from None


def encode(message: Message) -> bytes:
    """Write a message as compact JSON."""
    return message.model_dump_json(exclude_none=True).encode()


def decode_report(topic: str, payload: bytes | bytearray) -> Report:
    """Read a report and attribute it; raise `MessageError` where it is not its topic's principal's own."""
    principal, kind = read_report_topic(topic)
    report = decode(Report, payload)
    if report.sender != str(principal):
        raise MessageError("a sender that is not the topic's principal")
    if report.kind != kind:
        raise MessageError("a kind that is not the topic's")
    return report


def decode_status(topic: str, payload: bytes | bytearray) -> Status:
    """Read a status and attribute it; raise `MessageError` where it is not its topic's principal's own."""
    principal = read_status_topic(topic)
    status = decode(Status, payload)
    if status.principal != str(principal):
        raise MessageError("a principal that is not the topic's")
    return status


def decode_alert(payload: bytes | bytearray) -> Alert:
    """Read an alert; raise `MessageError` where it is none."""
    return decode(Alert, payload)
