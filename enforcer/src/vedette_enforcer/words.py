"""What is in force, and what it does not cover, in words for the operator and for who sits at the host."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from vedette_schemas import Block, BlockedAddress, BlockedHost, BlockedPage, Isolate

from .journal import Act, Entry

_NOT_BY_NAME = "programs that ask name servers themselves or know the address, and connections already open"
_BY_ADDRESS = "and its addresses as name servers tell them, with all other sites that share them"
_NOT_BY_PAGE = (
    "other programs, pages already open, requests by scripts, the same path spelled otherwise (%70)"
)


def described(act: Act) -> str:
    """Return what an act does, as the subject of a sentence."""
    if not isinstance(act, Block):
        return "the isolation of this host"
    return f"the block of {target(act)}"


def target(block: Block) -> str:
    """Return what is blocked."""
    match block.target:
        case BlockedAddress(network=network, port=port):
            if port is None:
                return network
            return f"[{network}]:{port}" if ":" in network else f"{network}:{port}"
        case BlockedHost(name=name, subdomains=below):
            return f"{name} and all below it" if below else name
        case BlockedPage(host=host, path=path):
            shown = path if len(path) <= 200 else f"{path[:199]}…"  # noqa: PLR2004
            return f"[{host}]{shown}" if ":" in host else f"{host}{shown}"


def ending(entry: Entry) -> str:
    """Return when an entry ends."""
    return time(entry.expires_at)


def time(at: datetime) -> str:
    """Return a time as operators read it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def in_force(live: Sequence[Entry]) -> str:
    """Return, in a few words, what is in force: "isolated until 10:12 UTC, 2 blocks"."""
    isolated = [entry.expires_at for entry in live if isinstance(entry.act, Isolate)]
    blocks = len(live) - len(isolated)
    parts = [f"isolated until {_soon(max(isolated))}"] if isolated else []
    if blocks:
        parts.append(f"{blocks} block{'s' if blocks != 1 else ''}")
    return ", ".join(parts) or "nothing"


def _soon(at: datetime) -> str:
    """Return a time without its day where that is today."""
    here = at.astimezone(UTC)
    return f"{here:%H:%M} UTC" if here.date() == datetime.now(UTC).date() else f"{here:%Y-%m-%d %H:%M} UTC"


def covered(entry: Entry, working: Mapping[str, str], problems: Mapping[str, str]) -> str:
    """Return what is in force, until when, where, and what it does not cover."""
    act = entry.act
    if not isinstance(act, Block):
        return f"isolated from all but the broker until {ending(entry)}"
    parts = [f"blocked {target(act)} until {ending(entry)}"]
    browsers = working.get("pages", "").removeprefix("on: ")
    if isinstance(act.target, BlockedHost):
        parts += _where(browsers, in_hosts_file="names" in working, below=act.target.subdomains)
        parts.append(_BY_ADDRESS if act.target.addresses else f"not covered: {_NOT_BY_NAME}")
    elif isinstance(act.target, BlockedPage):
        parts.append(f"in {browsers}")
        parts.append(f"not covered: {_NOT_BY_PAGE}")
    if "Firefox" in browsers:
        parts.append("Firefox reads its policies when it starts")
    parts += [f"but {problem}" for problem in problems.values()]
    return "; ".join(parts)


def _where(browsers: str, *, in_hosts_file: bool, below: bool) -> list[str]:
    found = [f"in {browsers}"] if browsers else []
    if in_hosts_file:
        found.append("by the hosts file" + (", of the names below it www alone" if below else ""))
    return found
