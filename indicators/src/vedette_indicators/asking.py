"""Reads what somebody looks for: the rows that a list would have for it."""

import re

from vedette_schemas import Severity

from .addresses import read_address, read_endpoint, read_network
from .canonical import RefusedError, canonical
from .defanging import looks_defanged, refang
from .filehashes import read_hash
from .indicator import Indicator, IndicatorType, ListAction
from .lists import MAX_VALUE

_PATH = re.compile(r"[/\\]|[a-zA-Z]:[/\\]")
_WITH_PORT = re.compile(r"[^/?#:\s]+:[0-9]{1,5}")


def asked_for(text: str, kind: IndicatorType | None = None) -> tuple[Indicator, ...]:
    """Return rows for a text: of that kind, or of all kinds that it may be.

    A name may be a host's and a program's, a word a program's and a phrase. Raise `RefusedError` where no
    list can hold it.
    """
    text = text.strip()
    if len(text) > MAX_VALUE:
        raise RefusedError(f"longer than {MAX_VALUE} characters")
    refused: list[RefusedError] = []
    found: list[Indicator] = []
    for each in _kinds(text) if kind is None else (kind,):
        try:
            found.append(_row(each, text))
        except RefusedError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return tuple(found)


def _kinds(text: str) -> tuple[IndicatorType, ...]:
    plain = refang(text) if looks_defanged(text) else text
    kind = _certain(plain)
    if kind is not None:
        return (kind,)
    if len(text.split()) != 1:
        return (IndicatorType.PHRASE,)
    if "/" in plain or _WITH_PORT.fullmatch(plain):
        return (IndicatorType.URL,)
    if "." in plain:
        return IndicatorType.HOST, IndicatorType.PROGRAM
    return IndicatorType.PROGRAM, IndicatorType.PHRASE


def _certain(text: str) -> IndicatorType | None:
    """Return what a text is, where its looks leave no doubt."""
    looks = {
        IndicatorType.URL: "://" in text or text.startswith("//"),
        IndicatorType.IP: read_address(text) is not None,
        IndicatorType.IP_PORT: read_endpoint(text) is not None,
        IndicatorType.CIDR: "/" in text and read_network(text) is not None,
        IndicatorType.HASH: read_hash(text) is not None,
        IndicatorType.PATH: _PATH.match(text) is not None,
    }
    return next((kind for kind, fits in looks.items() if fits), None)


def _row(kind: IndicatorType, text: str) -> Indicator:
    return Indicator(
        type=kind,
        value=canonical(kind, text),
        written=text,
        action=ListAction.ALERT,
        severity=Severity.INFO,
        expires=None,
        source="",
        attack="",
        comment="",
        list="",
        line=0,
    )
