"""MISP: events and attributes as its feeds, its export and its API have them."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import BinaryIO

from ..canonical import RefusedError
from ..indicator import IndicatorType
from .documents import read_document, table, tables, text
from .entries import Entry, FormatError, Items, noted, refused
from .values import settled, typed

_HOST, _URL, _IP, _HASH = IndicatorType.HOST, IndicatorType.URL, IndicatorType.IP, IndicatorType.HASH
_HASHES = ("md5", "sha1", "sha256", "sha512")

_PARTS: Mapping[str, tuple[IndicatorType | None, ...]] = {
    "domain": (_HOST,),
    "hostname": (_HOST,),
    "url": (_URL,),
    "uri": (_URL,),
    "ip-dst": (None,),
    "ip-src": (None,),
    "domain|ip": (_HOST, _IP),
    "malware-sample": (IndicatorType.PHRASE, _HASH),
    **dict.fromkeys(_HASHES, (_HASH,)),
    **dict.fromkeys((f"filename|{kind}" for kind in _HASHES), (IndicatorType.PHRASE, _HASH)),
}
"""What the parts of an attribute are, by its type: `None` is an address or a network, a file's name is
passed over, since it is what the hash belongs to."""

_WITH_PORT = frozenset({"ip-dst|port", "ip-src|port", "hostname|port"})


def read_misp(file: BinaryIO) -> Items:
    """Read the attributes that are meant for detection (`to_ids`); others are passed over.

    Raise `FormatError` where it is no MISP document.
    """
    document = read_document(file)
    known = False
    for event in _events(document):
        known = True
        info = text(event.get("info"))
        for attribute in _attributes(event):
            if attribute.get("to_ids") is not False and not attribute.get("deleted"):
                yield from _read(attribute, info)
    if not known:
        raise FormatError("no MISP events or attributes in it")


def _events(document: object) -> Iterator[dict[str, object]]:
    """Yield events; attributes without one count as an event's."""
    whole = table(document)
    answer = whole.get("response", document)
    for part in list(tables(answer)) or [table(answer)]:
        event = table(part.get("Event")) or part
        if "Attribute" in event or "Object" in event:
            yield event


def _attributes(event: Mapping[str, object]) -> Iterator[dict[str, object]]:
    inner = (tables(each.get("Attribute")) for each in tables(event.get("Object")))
    yield from chain(tables(event.get("Attribute")), *inner)


def _read(attribute: Mapping[str, object], info: str) -> Items:
    kind, value = text(attribute.get("type")), text(attribute.get("value")).strip()
    place = noted(text(attribute.get("uuid"))[:64]) or "an attribute without uuid"
    note = noted(info, text(attribute.get("comment")))
    try:
        for found, form in _values(kind, value):
            yield Entry(found, form, place, note)
    except RefusedError as problem:
        yield refused(place, problem, value)


def _values(kind: str, value: str) -> list[tuple[IndicatorType, str]]:
    if kind in _WITH_PORT:
        return [settled(value.replace("|", ":"))]
    if kind not in _PARTS:
        raise RefusedError(f"of a type that is not looked for: {kind[:40]!r}")
    kinds = _PARTS[kind]
    parts = value.split("|") if len(kinds) > 1 else [value]
    if len(parts) != len(kinds):
        raise RefusedError(f"not a value of type {kind}")
    wanted = [(each, part) for each, part in zip(kinds, parts, strict=True) if each != IndicatorType.PHRASE]
    return [settled(part) if each is None else (each, typed(each, part)) for each, part in wanted]
