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
    rest, had = _without_section(content)
    listed = names(tuple(hosts))
    if not listed:
        return rest if had else content
    lines = [b"%s%s" % (ours, name.encode()) for name in listed for ours in _OURS]
    section = b"\n".join([b"", *lines, END, b""])
    if content.count(BEGIN) == 1 and any(begin + section in content for begin in (BEGIN, _BEGIN_OPEN)):
        return content  # it may stand anywhere
    is_open = bool(rest) and not rest.endswith(b"\n")
    return rest + (b"\n" + _BEGIN_OPEN if is_open else BEGIN) + section


def _without_section(content: bytes) -> tuple[bytes, bool]:
    """Return the file without our sections, and whether there was one.

    A section that was cut off in writing has no end: it goes as far as lines are of the form of ours.
    """
    kept: list[bytes] = []
    inside = had = False
    had_no_end = -1
    for line in content.splitlines(keepends=True):
        bare = line.rstrip(b"\r\n")
        if bare in {BEGIN, _BEGIN_OPEN}:
            inside = had = True
            if bare == _BEGIN_OPEN:
                had_no_end = len(kept)
        elif inside and bare == END:
            inside = False
        elif not (inside and (bare.startswith(_OURS) or _is_cut_off(line))):
            inside = False
            kept.append(line)
    rest = b"".join(kept)
    # Lines that others have added since go on needing the end that we gave it.
    return rest.removesuffix(b"\n") if had_no_end == len(kept) else rest, had


def _is_cut_off(line: bytes) -> bool:
    return not line.endswith(b"\n") and (END.startswith(line) or any(o.startswith(line) for o in _OURS))
