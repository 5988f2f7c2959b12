"""What browsers are told through their managed policies: patterns and the text of the files. Pure."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from .part import ActError
from .wanted import Wanted

MOST_PATTERNS = 1_000
"""Chromium and its kin read no more of a list."""

_OURS = "vedette"
_NOTE = "what vedette-enforcer put into this file, and takes out again"


class _FirefoxFile(NamedTuple):
    whole: dict[str, Any]
    block: list[str]
    ours: list[str]
    made: bool


def chromium_patterns(wanted: Wanted) -> list[str]:
    """Return what is blocked, as URLBlocklist has it: a dot before a host leaves out what is below it."""
    pages = (f"{_exactly(host)}{path}" for host, path in wanted.pages)
    hosts = (name if below else f".{name}" for name, below in wanted.hosts)
    return sorted({*pages, *hosts})


def firefox_patterns(wanted: Wanted) -> list[str]:
    """Return what is blocked, as match patterns: `*.` is a host and all below it."""
    pages = (f"*://{_bracketed(host)}{path}*" for host, path in wanted.pages)
    hosts = (f"*://{'*.' if below else ''}{name}/*" for name, below in wanted.hosts)
    return sorted({*pages, *hosts})


def chromium_file(patterns: Sequence[str], others: Iterable[bytes]) -> bytes | None:
    """Return our file, `None` for no file at all.

    Of two files that hold a list the browser reads the last only, so ours holds what `others` list, too.
    """
    if not patterns:
        return None
    listed = list(patterns)
    for content in others:
        listed += [each for each in _blocklist(content) if each not in listed]
    if len(listed) > MOST_PATTERNS:
        raise ActError(f"browsers read {MOST_PATTERNS} patterns at most, and these are {len(listed)}")
    return _text({"URLBlocklist": listed})


def firefox_file(patterns: Sequence[str], content: bytes | None) -> bytes | None:
    """Return the one file that Firefox has, with what others wrote kept; `None` for no file at all.

    What of it is ours is told in the file itself: Firefox passes over names that it does not know.
    """
    file = _read_firefox(content)
    if not patterns and not file.ours and not file.made:
        return content
    theirs = [each for each in file.block if each not in file.ours]
    added = [each for each in patterns if each not in theirs]
    if file.made and not added and not theirs and set(file.whole) <= {"policies", _OURS}:
        rest = {k: v for k, v in _policies(file.whole).items() if k != "WebsiteFilter"}
        if not rest and set(_filter(file.whole)) <= {"Block"}:
            return None
    whole = {key: value for key, value in file.whole.items() if key != _OURS}
    policies, website = dict(_policies(file.whole)), dict(_filter(file.whole))
    if theirs or added or (content is not None and not file.ours and "Block" in website):
        website["Block"] = [*theirs, *added]
    else:
        website.pop("Block", None)
    if website:
        policies["WebsiteFilter"] = website
    else:
        policies.pop("WebsiteFilter", None)
    whole["policies"] = policies
    if added:
        whole[_OURS] = {"note": _NOTE, "Block": added, "made": file.made or content is None}
    return _text(whole)


def _read_firefox(content: bytes | None) -> _FirefoxFile:
    if content is None:
        return _FirefoxFile({}, [], [], made=True)
    try:
        whole = json.loads(content)
    except ValueError:
        raise ActError("it is not JSON, and is left as it is") from None
    if not isinstance(whole, dict):
        raise ActError("it is not an object, and is left as it is")
    whole = cast("dict[str, Any]", whole)
    block, mark = _filter(whole).get("Block", []), whole.get(_OURS, {})
    if not isinstance(block, list) or not isinstance(mark, dict):
        raise ActError("it is not of the form that Firefox reads, and is left as it is")
    mark = cast("dict[str, Any]", mark)
    return _FirefoxFile(whole, cast("list[str]", block), list(mark.get("Block", ())), bool(mark.get("made")))


def _policies(whole: dict[str, Any]) -> dict[str, Any]:
    return _object(whole.get("policies", {}))


def _filter(whole: dict[str, Any]) -> dict[str, Any]:
    return _object(_policies(whole).get("WebsiteFilter", {}))


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ActError("it is not of the form that Firefox reads, and is left as it is")
    return cast("dict[str, Any]", value)


def _blocklist(content: bytes) -> list[str]:
    """Return what another file lists; one that can't be read the browser passes over, too."""
    try:
        listed = json.loads(content)["URLBlocklist"]
    except (ValueError, KeyError, TypeError):
        return []
    if not isinstance(listed, list):
        return []
    return [each for each in cast("list[object]", listed) if isinstance(each, str)]


def _exactly(host: str) -> str:
    is_address = ":" in host or host.rpartition(".")[2].isdigit()
    return _bracketed(host) if is_address else f".{host}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _text(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
