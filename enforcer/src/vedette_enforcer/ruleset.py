"""Vedette's own table of the kernel's packet filter: what is wanted in, nft's commands out.

Each set's elements have the time they last: the kernel lets go of them by itself, even with the enforcer
dead. Blocks stand ahead of any rule that accepts established connections, so open ones are cut as well.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from .surroundings import Surroundings
from .wanted import Wanted

TABLE = "inet vedette"
SINK4, SINK6 = "192.0.0.8", "100::1"
"""Where blocked names lead: a dummy (RFC 7600) and the discard prefix (RFC 6666), which rules refuse.

Not 0.0.0.0, which reaches whatever listens on the host itself.
"""

_SLACK = 3.0
"""Seconds: nft tells whole ones."""

Elements = Mapping[str, float | None]
"""The elements of a set, as nft writes them, and when each ends."""
Sets = Mapping[str, Elements]

_SETS = {
    "isolated": "typeof meta nfproto; flags timeout;",
    "address4": "type ipv4_addr; flags timeout;",
    "address6": "type ipv6_addr; flags timeout;",
    "network4": "type ipv4_addr; flags interval, timeout;",
    "network6": "type ipv6_addr; flags interval, timeout;",
    "endpoint4": "type ipv4_addr . inet_service; flags timeout;",
    "endpoint6": "type ipv6_addr . inet_service; flags timeout;",
    "spared4": "type ipv4_addr;",
    "spared6": "type ipv6_addr;",
    "broker4": "type ipv4_addr . inet_service;",
    "broker6": "type ipv6_addr . inet_service;",
    "resolver4": "type ipv4_addr;",
    "resolver6": "type ipv6_addr;",
}

_CHAINS = f"""
chain refuse {{
    meta l4proto tcp reject with tcp reset
    reject with icmpx type admin-prohibited
}}
chain isolated_out {{
    ip daddr . tcp dport @broker4 accept
    ip6 daddr . tcp dport @broker6 accept
    ip daddr @resolver4 meta l4proto {{ tcp, udp }} th dport 53 accept
    ip6 daddr @resolver6 meta l4proto {{ tcp, udp }} th dport 53 accept
    udp sport 68 udp dport 67 accept
    udp sport 546 udp dport 547 accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} accept
    goto refuse
}}
chain isolated_in {{
    ip saddr . tcp sport @broker4 tcp flags & (syn | ack) != syn accept
    ip6 saddr . tcp sport @broker6 tcp flags & (syn | ack) != syn accept
    ip saddr @resolver4 tcp sport 53 tcp flags & (syn | ack) != syn accept
    ip6 saddr @resolver6 tcp sport 53 tcp flags & (syn | ack) != syn accept
    ip saddr @resolver4 udp sport 53 accept
    ip6 saddr @resolver6 udp sport 53 accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} accept
    drop
}}
chain blocked_to {{
    ip daddr @spared4 return
    ip6 daddr @spared6 return
    ip daddr {SINK4} goto refuse
    ip6 daddr {SINK6} goto refuse
    ip daddr @address4 goto refuse
    ip6 daddr @address6 goto refuse
    ip daddr @network4 goto refuse
    ip6 daddr @network6 goto refuse
    ip daddr . th dport @endpoint4 goto refuse
    ip6 daddr . th dport @endpoint6 goto refuse
}}
chain blocked_from {{
    ip saddr @spared4 return
    ip6 saddr @spared6 return
    ip saddr @address4 drop
    ip6 saddr @address6 drop
    ip saddr @network4 drop
    ip6 saddr @network6 drop
    ip saddr . th sport @endpoint4 drop
    ip6 saddr . th sport @endpoint6 drop
}}
chain output {{
    type filter hook output priority -150; policy accept;
    oifname "lo" accept
    meta nfproto @isolated goto isolated_out
    jump blocked_to
}}
chain input {{
    type filter hook input priority -150; policy accept;
    iifname "lo" accept
    meta nfproto @isolated goto isolated_in
    jump blocked_from
}}
chain forward {{
    type filter hook forward priority -150; policy accept;
    meta nfproto @isolated goto refuse
    jump blocked_from
    jump blocked_to
}}
"""


def sets(wanted: Wanted, around: Surroundings) -> Sets:
    """Return what is to stand in each set."""
    found: dict[str, dict[str, float | None]] = {name: {} for name in _SETS}
    for network, ends in wanted.networks:
        alone = network.prefixlen == network.max_prefixlen
        name = f"{'address' if alone else 'network'}{network.version}"
        found[name][str(network.network_address if alone else network)] = ends
    for address, port, ends in wanted.endpoints:
        found[f"endpoint{6 if ':' in address else 4}"][f"{address} . {port}"] = ends
    if wanted.isolated_until is not None:
        found["isolated"] = dict.fromkeys(("ipv4", "ipv6"), wanted.isolated_until)
    for spared in around.spared:
        found[f"spared{spared.version}"][str(spared)] = None
    for broker, port in around.broker:
        found[f"broker{broker.version}"][f"{broker} . {port}"] = None
    for resolver in around.resolvers if around.broker_named else ():  # DNS is for the broker's name
        found[f"resolver{resolver.version}"][str(resolver)] = None
    return found


def whole(wanted: Sets, now: float) -> str:
    """Return the commands that put the whole table there, in one step, whatever was there before."""
    lines = [f"add table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    for name, kind in _SETS.items():
        elements = _elements(wanted[name], now)
        lines.append(f"set {name} {{ {kind} {f'elements = {{ {elements} }};' if elements else ''} }}")
    return "\n".join([*lines, _CHAINS, "}\n"])


def gone() -> str:
    """Return the commands that take the table away, there or not."""
    return f"add table {TABLE}\ndelete table {TABLE}\n"


def difference(present: Sets, wanted: Sets, now: float) -> str:
    """Return the commands that make of one what the other is; nothing where nothing differs."""
    lines: list[str] = []
    for name in _SETS:
        has, wants = present.get(name, {}), wanted[name]
        old = [key for key, ends in has.items() if not _same(key, ends, wants)]
        new = {key: ends for key, ends in wants.items() if not _same(key, ends, has)}
        if old:
            lines.append(f"delete element {TABLE} {name} {{ {', '.join(old)} }}")
        if elements := _elements(new, now):
            lines.append(f"add element {TABLE} {name} {{ {elements} }}")
    return "".join(f"{line}\n" for line in lines)


def _same(key: str, ends: float | None, others: Elements) -> bool:
    if key not in others:
        return False
    other = others[key]
    return ends == other if ends is None or other is None else abs(ends - other) < _SLACK


def _elements(elements: Elements, now: float) -> str:
    return ", ".join(
        key if ends is None else f"{key} timeout {_timeout(ends - now)}"
        for key, ends in elements.items()
        if ends is None or ends > now
    )


def _timeout(seconds: float) -> str:
    """Return a time as nft reads it: it knows no fractions, and 0 is for ever."""
    milliseconds = max(1, round(seconds * 1_000))
    return f"{milliseconds // 1_000}s{milliseconds % 1_000}ms"


def read(listing: str | bytes, now: float) -> tuple[Sets, str]:
    """Read `nft --json list table`: what stands in each set, and all else, to be compared as it is."""
    found: dict[str, dict[str, float | None]] = {}
    rest: list[Any] = []
    for item in cast("list[dict[str, Any]]", json.loads(listing)["nftables"]):
        ((kind, value),) = item.items()
        if kind == "set":
            found[value["name"]] = dict(_element(each, now) for each in value.pop("elem", ()))
        if kind != "metainfo":
            value.pop("handle", None)
            rest.append([kind, value])
    return found, json.dumps(rest, sort_keys=True)


def _element(element: Any, now: float) -> tuple[str, float | None]:
    ends: float | None = None
    if isinstance(element, dict) and "elem" in element:
        inner = cast("dict[str, Any]", element["elem"])
        ends = now + float(inner["expires"]) if "expires" in inner else None
        element = inner["val"]
    return " . ".join(_words(element)), ends


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value)
        if "prefix" in value:
            yield f"{value['prefix']['addr']}/{value['prefix']['len']}"
        elif "concat" in value:
            for each in value["concat"]:
                yield from _words(each)
        elif "range" in value:
            yield "-".join(map(str, value["range"]))
    else:
        yield str(value)
