"""What is too common to block: names and addresses on whose account many would be cut off."""

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import cast

from .addresses import read_address, read_network
from .filehashes import read_hash
from .hosts import names_above, read_host
from .keys import ADDRESS, HOST, Width, network_key
from .lists import BadLine, BadLines, ListProblem
from .suffixes import is_public

_EXACT = frozenset({"hostname", "string", "cidr"})
_MAX_ENTRY = 1_000


class Guard:
    """Knows what is too common to block."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        """Guard what `read_guard` found; each entry with the name of the list that has it."""
        self._entries = entries
        self._widths: set[Width] = set()
        for key in entries:
            if key.startswith("n"):
                version, shift, _ = key[1:].split("/")
                self._widths.add((int(version), int(shift)))

    def __len__(self) -> int:
        return len(self._entries)

    def guarded(self, target: str) -> str | None:
        """Return why a host, address or network should not be blocked; `None` if nothing speaks against it.

        A name is guarded with all below it, but for names below a public suffix: they are other people's.
        """
        if (address := read_address(target)) is not None:
            keys = [ADDRESS + str(address)]
            keys += (network_key(width, address) for width in self._widths if width[0] == address.version)
            return self._why(target, keys)
        if (network := read_network(target)) is not None:
            return self._in_network(target, network.prefixlen)
        host = read_host(target)
        return None if host is None else self._why(host, (HOST + name for name in _own_names(host)))

    def _why(self, target: str, keys: Iterable[str]) -> str | None:
        for key in keys:
            source = self._entries.get(key)
            if source is not None:
                name = key[1:] if key.startswith((HOST, ADDRESS)) else target
                below = f"{target} is below {name}, which" if name != target else target
                return f"{below} is too common to block ({source})"
        return None

    def _in_network(self, target: str, prefix: int) -> str | None:
        network = ip_network(target, strict=False)
        for version, shift in sorted(self._widths):
            if version == network.version and network.max_prefixlen - shift <= prefix:
                key = network_key((version, shift), network.network_address)
                if (source := self._entries.get(key)) is not None:
                    return f"{target} is too common to block ({source})"
        return None


def _own_names(host: str) -> Iterator[str]:
    """Yield the host and the names above it up to where other people's names begin."""
    yield host
    if is_public(host):
        return
    for name in names_above(host)[1:]:
        if is_public(name):
            return
        yield name


def read_guard(text: str, *, name: str) -> tuple[dict[str, str], tuple[BadLine, ...]]:
    """Read names and addresses, one a line, or MISP's warninglists; raise `ListProblem` on other JSON.

    Return each entry's key with the list that has it, and the lines or entries that can't be used.
    """
    bad = BadLines()
    entries: dict[str, str] = {}
    for number, entry, source in (
        _warnings(text, name) if text.lstrip()[:1] in {"{", "["} else _lines(text, name)
    ):
        if read_hash(entry) is not None:
            continue  # warninglists hold hashes too; they are no places
        key = _key(entry)
        if key is None:
            bad.add(number, "not a host name, address or network", entry)
        else:
            entries.setdefault(key, source)
    return entries, bad.told()


def _lines(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].strip()
        if entry:
            yield number, entry, name


def _warnings(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ListProblem(name, None, "not JSON, though it begins like it") from None
    lists = list(_objects(found))
    if not lists:
        raise ListProblem(name, None, "no MISP warninglist: there is no object with a list")
    for one in lists:
        title = str(one.get("name") or name)[:100]
        if one.get("type", "string") not in _EXACT:
            raise ListProblem(
                name, None, f"{title}: a warninglist of type {one.get('type')!s:.20} is not read"
            )
        for number, entry in enumerate(cast("list[object]", one["list"]), start=1):
            yield number, str(entry), title


def _objects(found: object) -> Iterator[dict[str, object]]:
    """Yield warninglists: one, several, or several by name."""
    if isinstance(found, dict):
        table = cast("dict[str, object]", found)
        if isinstance(table.get("list"), list):
            yield table
            return
        found = list(table.values())
    if isinstance(found, list):
        for one in cast("list[object]", found):
            if isinstance(one, dict) and isinstance(cast("dict[str, object]", one).get("list"), list):
                yield cast("dict[str, object]", one)


def _key(entry: str) -> str | None:
    entry = entry.strip().removeprefix("*").removeprefix(".")
    if len(entry) > _MAX_ENTRY:
        return None
    if (address := read_address(entry)) is not None:
        return ADDRESS + str(address)
    if "/" in entry:
        network = read_network(entry)
        if network is None:
            return None
        width = network.version, network.max_prefixlen - network.prefixlen
        return network_key(width, network.network_address)
    host = read_host(entry)
    return None if host is None or "." not in host else HOST + host
