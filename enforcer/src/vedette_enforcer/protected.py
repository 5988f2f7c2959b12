"""What may be blocked: decided here, in one function, last and locally, whatever a command says."""

import importlib.resources
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from vedette_schemas import Block, BlockedAddress, BlockedHost, BlockedPage

from .never_touch_file import NeverTouch
from .surroundings import Address, Network, Surroundings, plain

_WIDEST = {4: 8, 6: 16}
_RESERVED: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "it stands for this host itself"),
    ("::/128", "it stands for this host itself"),
    ("127.0.0.0/8", "it is this host itself"),
    ("::1/128", "it is this host itself"),
    ("169.254.0.0/16", "hosts find their network by such addresses"),
    ("fe80::/10", "hosts find their network by such addresses"),
    ("224.0.0.0/4", "it is no single host's (multicast)"),
    ("ff00::/8", "it is no single host's (multicast)"),
    ("255.255.255.255/32", "it is all hosts of the network (broadcast)"),
    ("192.0.0.8/32", "blocked names lead there"),
    ("100::/64", "blocked names lead there"),
)
RESERVED: tuple[tuple[Network, str], ...] = tuple((ip_network(text), why) for text, why in _RESERVED)
_LOCAL = ("localhost", "localhost.localdomain", "local", "ip6-localhost", "ip6-loopback")


def why_not(block: Block, around: Surroundings, never: NeverTouch) -> str | None:
    """Return why it is not blocked, as the end of a sentence; `None` if it may be."""
    match block.target:
        case BlockedAddress(network=network):
            return _address(ip_network(network), around, never)
        case BlockedHost(name=name, subdomains=subdomains):
            return _name(name, around, never, below=subdomains)
        case BlockedPage(host=host):
            try:
                address = ip_network(ip_address(host))
            except ValueError:
                return _name(host, around, never, below=False)
            return _address(address, around, never)


def why_not_address(address: Address, around: Surroundings, never: NeverTouch) -> str | None:
    """Return why an address that a name leads to is not blocked; `None` if it may be."""
    return _address(ip_network(plain(str(address)) or address), around, never)


def _address(network: Network, around: Surroundings, never: NeverTouch) -> str | None:
    if network.prefixlen < _WIDEST[network.version]:
        return f"it is too wide: /{_WIDEST[network.version]} is the widest network that is blocked"
    for reserved, why in RESERVED:
        if _overlap(network, reserved):
            return why
    duties: tuple[tuple[frozenset[Address], str], ...] = (
        (frozenset(address for address, _ in around.broker), "the broker"),
        (around.resolvers, "a name server of this host"),
        (around.gateways, "a gateway of this host"),
        (around.own, "this host itself"),
    )
    for addresses, what in duties:
        for address in sorted(addresses, key=str):
            if address in network:
                return f"{'it is' if network.num_addresses == 1 else f'{address} in it is'} {what}"
    if any(_overlap(network, listed) for listed in never.networks):
        return "never_touch.toml names it"
    return None


def _name(name: str, around: Surroundings, never: NeverTouch, *, below: bool) -> str | None:
    if any(name == local or name.endswith(f".{local}") for local in _LOCAL):
        return "it is this host itself"
    for own in around.names:
        if name == own or (below and own.endswith(f".{name}")):
            return f"{own} is a name of this deployment"
    if "." not in name or (is_public(name) and (below or not is_lent(name))):
        return "it is no single owner's: anyone can register names below it"
    for listed in never.hosts:
        if name == listed or name.endswith(f".{listed}") or (below and listed.endswith(f".{name}")):
            return f"never_touch.toml names {listed}"
    return None


def is_public(name: str) -> bool:
    """Tell whether a name is a public suffix, by the list's own lines: no table of it is kept in memory."""
    rules = _rules()
    if _holds(rules, "!", name):
        return False
    return _holds(rules, "", name) or any(
        _holds(rules, "*.", each) for each in (name, name.partition(".")[2])
    )


def is_lent(name: str) -> bool:
    """Tell whether a public suffix is what a customer of a service got: a machine's name in a cloud."""
    rules = _rules()
    services = rules[rules.find(b"===BEGIN PRIVATE DOMAINS===") :]
    own = _holds(rules, "", name) or _holds(rules, "*.", name)
    return not own and _holds(services, "*.", name.partition(".")[2])


def _rules() -> bytes:
    return (importlib.resources.files("publicsuffixlist") / "public_suffix_list.dat").read_bytes()


def _holds(rules: bytes, mark: str, name: str) -> bool:
    return any(b"\n%s%s\n" % (mark.encode(), form) in rules for form in (name.encode(), _in_unicode(name)))


def _in_unicode(name: str) -> bytes:
    try:
        return name.encode().decode("idna").encode()
    except UnicodeError:
        return name.encode()


def _overlap(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.overlaps(other)
    return False
