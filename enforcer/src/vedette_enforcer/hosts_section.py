"""The text of the hosts file: Vedette's marked section in it, and nothing else, is ever changed."""

from collections.abc import Iterable

from .ruleset import SINK4, SINK6

BEGIN = b"# begin vedette: blocked names; this section is written by vedette-enforcer"
_BEGIN_OPEN = BEGIN + b" (the line before had no end)"
END = b"# end vedette"
_OURS = (f"{SINK4}\t".encode(), f"{SINK6}\t".encode())


def names(hosts: Iterable[tuple[str, bool]]) -> list[str]:
    """Return the names that are listed: the file knows no wildcards, so of all below a name only `www`."""
    found = {name for name, _ in hosts} | {f"www.{name}" for name, below in hosts if below}
    return sorted(found)


def said_by_others(content: bytes, hosts: Iterable[tuple[str, bool]]) -> list[str]:
    """Return the names that other lines of the file lead elsewhere: programs go on to those."""
    others = _without_section(content)[0].lower()
    words = {word for line in others.splitlines() for word in line.partition(b"#")[0].split()[1:]}
    return [name for name in names(hosts) if name.encode() in words]


def with_section(content: bytes, hosts: Iterable[tuple[str, bool]]) -> bytes:
    """Return the file with these names blocked; with none, as if we had never been there."""
    listed = names(tuple(hosts))
    rest, had = _without_section(content)
    if not listed:
        return rest if had else content
    is_open = bool(rest) and not rest.endswith(b"\n")
    lines = [_BEGIN_OPEN if is_open else BEGIN]
    lines += [b"%s%s" % (ours, name.encode()) for name in listed for ours in _OURS]
    return rest + (b"\n" if is_open else b"") + b"\n".join([*lines, END]) + b"\n"


def _without_section(content: bytes) -> tuple[bytes, bool]:
    """Return the file without our sections, and whether there was one.

    A section that was cut off in writing has no end: it goes as far as lines are of the form of ours.
    """
    kept: list[bytes] = []
    inside = had = False
    for line in content.splitlines(keepends=True):
        bare = line.rstrip(b"\r\n")
        if bare in {BEGIN, _BEGIN_OPEN}:
            inside = had = True
            if kept and bare == _BEGIN_OPEN:
                kept[-1] = kept[-1].removesuffix(b"\n")
        elif inside and bare == END:
            inside = False
        elif not (inside and (bare.startswith(_OURS) or _is_cut_off(line))):
            inside = False
            kept.append(line)
    return b"".join(kept), had


def _is_cut_off(line: bytes) -> bool:
    return not line.endswith(b"\n") and (END.startswith(line) or any(o.startswith(line) for o in _OURS))
