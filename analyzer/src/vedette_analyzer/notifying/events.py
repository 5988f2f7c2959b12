"""An alert as machines read it: CEF, or OCSF as JSON."""

import json
from collections.abc import Iterator
from datetime import datetime

from vedette_schemas import Severity, State
from vedette_transport.entry import program_version

from .dispatch import Item
from .showing import Shown, plain

_CEF_SEVERITY = {
    Severity.INFO: 1,
    Severity.LOW: 3,
    Severity.MEDIUM: 5,
    Severity.HIGH: 8,
    Severity.CRITICAL: 10,
}
_OCSF_SEVERITY = {severity: n for n, severity in enumerate(Severity, 1)}
_OCSF_VERSION = "1.1.0"
_DETECTION_FINDING = 2004
_CREATE, _UPDATE = 1, 2


def cef(item: Item, seen: Shown, most: int = 1_000) -> str:
    """Return ArcSight's Common Event Format, version 0; texts have at most `most` characters."""
    name = plain(seen.summary or "an alert", min(most, 512))
    head = (seen.detector or "alert", name, str(_CEF_SEVERITY[seen.severity]))
    header = "|".join(
        ("CEF:0", "Vedette", "Vedette", *(_in_header(part) for part in (program_version(), *head)))
    )
    pairs = " ".join(f"{label}={_in_extension(plain(value, most))}" for label, value in _pairs(item, seen))
    return f"{header}|{pairs}"


def ocsf(item: Item, seen: Shown, most: int = 1_000) -> str:
    """Return a Detection Finding of the Open Cybersecurity Schema Framework, in ASCII."""
    activity = _CREATE if item.count else _UPDATE
    finding: dict[str, object] = {
        "uid": str(seen.id),
        "title": plain(seen.summary or "an alert", most),
        "created_time": _milliseconds(seen.at),
        "first_seen_time": _milliseconds(item.first_at),
        "last_seen_time": _milliseconds(item.last_at),
    }
    if seen.detector:
        finding["analytic"] = {"name": plain(seen.detector, most), "type": "Rule", "type_id": 1}
    if seen.technique:
        finding["attacks"] = [{"version": "16", "technique": {"uid": plain(seen.technique, most)}}]
    event: dict[str, object] = {
        "category_uid": 2,
        "class_uid": _DETECTION_FINDING,
        "activity_id": activity,
        "type_uid": _DETECTION_FINDING * 100 + activity,
        "time": _milliseconds(item.last_at),
        "count": max(1, item.count),
        "severity_id": _OCSF_SEVERITY[seen.severity],
        "severity": seen.severity.capitalize(),
        "status_id": 1,
        "status": "New",
        "metadata": {
            "version": _OCSF_VERSION,
            "uid": f"{seen.id}/{seen.state}",
            "product": {"name": "Vedette", "vendor_name": "Vedette", "version": program_version()},
        },
        "finding_info": finding,
    }
    if seen.host:
        event["device"] = {"hostname": seen.host, "type_id": 0}
    if seen.user is not None:
        event["actor"] = {"user": {"uid": str(seen.user)}}
    rest = {"done": seen.done, "subject": seen.subject, "title": seen.title, "state": seen.state}
    unmapped: dict[str, object] = {label: plain(text, most) for label, text in rest.items() if text}
    if seen.indicator is not None:
        found = seen.indicator.model_dump(mode="json")
        unmapped["indicator"] = {
            label: plain(value, most) if isinstance(value, str) else value for label, value in found.items()
        }
    event["unmapped"] = unmapped
    return json.dumps(event, separators=(",", ":"))


def _pairs(item: Item, seen: Shown) -> Iterator[tuple[str, str]]:
    yield "rt", str(_milliseconds(item.last_at))
    yield "start", str(_milliseconds(item.first_at))
    yield "cnt", str(max(1, item.count))
    yield "externalId", str(seen.id)
    yield "outcome", "pending" if seen.state is State.PENDING else "final"
    if seen.host:
        yield "dvchost", seen.host
    if seen.user is not None:
        yield "suid", str(seen.user)
    if seen.detector:
        yield "cat", seen.detector
    if seen.done:
        yield "act", seen.done
    if seen.summary:
        yield "msg", seen.summary
    found = seen.indicator
    custom = {
        "indicator": "" if found is None else f"{found.type} {found.value}",
        "list": "" if found is None else f"{found.list}:{found.line} {found.comment}".strip(),
        "technique": seen.technique or "",
        "subject": seen.subject or "",
        "title": seen.title or "",
    }
    for number, (label, value) in enumerate(custom.items(), 1):
        if value:
            yield f"cs{number}Label", label
            yield f"cs{number}", value


def _in_header(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace("|", "\\|")


def _in_extension(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=")


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000)
