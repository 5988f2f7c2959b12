"""What is to be in force, from the live entries: a pure function. The parts carry it out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from vedette_schemas import Block, BlockedAddress, BlockedHost, BlockedPage, Isolate

from .journal import Entry

Network = IPv4Network | IPv6Network
Resolved = Mapping[str, frozenset[IPv4Address | IPv6Address]]
_NONE: Resolved = {}
Networks = tuple[tuple[Network, float], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The union of what was ordered; times are when it ends, in seconds since the system started.

    No two of `networks` overlap. `hosts` says of each name whether all below it are meant too.
    """

    networks: Networks = ()
    endpoints: tuple[tuple[str, int, float], ...] = ()
    hosts: tuple[tuple[str, bool], ...] = ()
    pages: tuple[tuple[str, str], ...] = ()
    isolated_until: float | None = None

    @property
    def rules(self) -> bool:
        """Whether it takes rules in the kernel: for names too, whose address has to be refused."""
        return bool(self.hosts) or not self.only_names

    @property
    def only_names(self) -> bool:
        """Whether there is neither an address nor isolation in it."""
        return not (self.networks or self.endpoints or self.isolated_until is not None)


@dataclass(slots=True)
class _Union:
    networks: dict[Network, float] = field(default_factory=dict[Network, float])
    endpoints: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])
    hosts: dict[str, bool] = field(default_factory=dict[str, bool])
    pages: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    isolated: float | None = None

    def add(self, entry: Entry, resolved: Resolved) -> None:
        if isinstance(entry.act, Isolate):
            self.isolated = max(self.isolated or 0.0, entry.ends)
            return
        match entry.act.target:
            case BlockedAddress(network=network, port=None):
                key = ip_network(network)
                self.networks[key] = max(self.networks.get(key, 0.0), entry.ends)
            case BlockedAddress(network=address, port=int(port)):
                at = address, port
                self.endpoints[at] = max(self.endpoints.get(at, 0.0), entry.ends)
            case BlockedHost(name=name, subdomains=subdomains, addresses=addresses):
                self.hosts[name] = self.hosts.get(name, False) or subdomains
                for each in resolved.get(name, ()) if addresses else ():
                    one = ip_network(each)
                    self.networks[one] = max(self.networks.get(one, 0.0), entry.ends)
            case BlockedPage(host=host, path=path):
                self.pages.add((host, path))
            case _:  # pragma: no cover (a port is a number or there is none)
                pass


def wanted(live: Iterable[Entry], resolved: Resolved = _NONE) -> Wanted:
    """Return the union of live entries; `resolved` are the addresses that names have now."""
    union = _Union()
    for entry in live:
        union.add(entry, resolved)
    return Wanted(
        networks=disjoint(union.networks.items()),
        endpoints=tuple(sorted((*at, ends) for at, ends in union.endpoints.items())),
        hosts=tuple(sorted(union.hosts.items())),
        pages=tuple(sorted(union.pages)),
        isolated_until=union.isolated,
    )


def to_resolve(live: Iterable[Entry]) -> frozenset[str]:
    """Return the names whose addresses are to be blocked, too."""
    return frozenset(
        entry.act.target.name
        for entry in live
        if isinstance(entry.act, Block)
        and isinstance(entry.act.target, BlockedHost)
        and entry.act.target.addresses
    )


def disjoint(networks: Iterable[tuple[Network, float]]) -> Networks:
    """Cut networks so that no two overlap and each address still ends when the last that holds it ends.

    The kernel takes no overlapping ranges into a set, and each has a time of its own.
    """
    alone: list[tuple[Network, float]] = []
    ranges: list[tuple[Network, float]] = []
    for network, ends in sorted(networks, key=lambda each: (-each[1], each[0].prefixlen, str(each[0]))):
        if network.prefixlen == network.max_prefixlen:
            alone.append((network, ends))
        else:
            rest = [network]
            for placed, _ in ranges:
                rest = [piece for each in rest for piece in _without(each, placed)]
            ranges += [(piece, ends) for piece in rest]
    return tuple(sorted([*alone, *ranges], key=lambda each: (each[0].version, str(each[0]))))


def _without(network: Network, other: Network) -> list[Network]:
    """Return what of `network` is not in `other`."""
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        if network.subnet_of(other):
            return []
        return list(network.address_exclude(other)) if other.subnet_of(network) else [network]
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        if network.subnet_of(other):
            return []
        return list(network.address_exclude(other)) if other.subnet_of(network) else [network]
    return [network]
