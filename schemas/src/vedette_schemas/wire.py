"""From payload to message: the only way in for what comes from outside."""

from typing import TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from .acts import ActAnswer
from .alerts import Alert
from .errors import MessageError, OtherVersionError
from .fields import MAX_PAYLOAD, VERSION, Message
from .observations import AnyObservation, Observation
from .reports import MAX_ITEMS, Ack, Arrived, Envelope, Report, Unreadable
from .status import Status
from .topics import read_ack_topic, read_report_topic, read_status_topic

_M = TypeVar("_M", bound=Message)
_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(AnyObservation, config=ConfigDict(defer_build=True))


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
        raise MessageError(f"no valid {model.__name__}: {place or 'it'} ({first['type']})") from None


def encode(message: Message) -> bytes:
    """Write a message as compact JSON."""
    return message.model_dump_json(exclude_none=True).encode()


def decode_report(topic: str, payload: bytes | bytearray) -> Report:
    """Read a report and attribute it; raise `MessageError` where it is not its topic's principal's own."""
    read_report_topic(topic)  # before anything of the payload is read
    report = decode(Report, payload)
    _attribute(topic, report)
    return report


def read_report(topic: str, payload: bytes | bytearray) -> Arrived:
    """Read a report as far as it can be read, and attribute it.

    Raise `OtherVersionError` where it is of another version, `MessageError` where it can't be attributed:
    what one item holds can't make the others unreadable, as long as all is JSON (no NaN, no half of a
    surrogate pair, no number of more than 4,300 digits, nesting of at most 200).
    """
    try:
        report = decode_report(topic, payload)
    except MessageError:
        return _partly(topic, payload)
    return Arrived(report, report.items)


def _partly(topic: str, payload: bytes | bytearray) -> Arrived:
    try:
        fields = from_json(payload, allow_inf_nan=False) if len(payload) <= MAX_PAYLOAD else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise MessageError("not a report")
    fields = cast("dict[str, object]", fields)
    if fields.get("version", VERSION) != VERSION:
        raise OtherVersionError(f"{read_report_topic(topic).principal} speaks another version than {VERSION}")
    items = fields.pop("items", None)
    if not isinstance(items, list) or not 0 < len(cast("list[object]", items)) <= MAX_ITEMS:
        raise MessageError(f"not a report of 1 to {MAX_ITEMS} items")
    envelope = decode(Envelope, to_json(fields))
    _attribute(topic, envelope)
    return Arrived(envelope, tuple(_item(item, envelope) for item in cast("list[object]", items)))


def _item(item: object, envelope: Envelope) -> Observation | Unreadable:
    try:
        observation = _OBSERVATION.validate_json(to_json(item))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        return Unreadable(f"no observation ({first['type']})", _raw(item))
    if observation.kind != envelope.kind:
        return Unreadable("not of its report's kind", _raw(item))
    return observation


def _raw(item: object) -> bytes:
    # A number too large to be one (1e999) is read as infinite, and JSON has no such number: it becomes text.
    return to_json(item, inf_nan_mode="strings")


def _attribute(topic: str, envelope: Envelope) -> None:
    principal, kind = read_report_topic(topic)
    if envelope.sender != str(principal):
        raise MessageError("a sender that is not the topic's principal")
    if envelope.kind != kind:
        raise MessageError("a kind that is not the topic's")


def decode_ack(topic: str, payload: bytes | bytearray) -> Ack:
    """Read an ack; raise `MessageError` where it is not for its topic's principal."""
    audience = read_ack_topic(topic)
    ack = decode(Ack, payload)
    if ack.audience != str(audience):
        raise MessageError("an audience that is not the topic's")
    return ack


def decode_answer(topic: str, payload: bytes | bytearray) -> ActAnswer:
    """Read what came of an act; raise `MessageError` where it is not for its topic's principal."""
    audience = read_ack_topic(topic)
    answer = decode(ActAnswer, payload)
    if answer.audience != str(audience):
        raise MessageError("an audience that is not the topic's")
    return answer


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
