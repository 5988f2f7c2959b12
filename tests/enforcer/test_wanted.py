"""From live entries to what is to be in force, and from that to nft's commands: laws, no system."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_enforcer import ruleset
from vedette_enforcer.journal import Act, Entry, State
from vedette_enforcer.surroundings import Surroundings
from vedette_enforcer.wanted import Wanted, disjoint, wanted
from vedette_schemas import Isolate

from .acting import address, host, page

NOW = 1_000.0
AROUND = Surroundings(
    broker=frozenset({(ip_address("10.1.0.1"), 8883), (ip_address("fd00::1"), 8883)}),
    resolvers=frozenset({ip_address("10.1.0.53")}),
)


def entry(act: Act, ends: float) -> Entry:
    now = datetime.now(UTC)
    return Entry(uuid4(), act, State.IN_FORCE, now, now, ends)


def wide(bits: int, length: int) -> IPv4Network:
    return IPv4Network((bits << 24 >> (32 - length) << (32 - length), length))


def narrow(last: int, length: int) -> IPv4Network:
    return IPv4Network((0x0A000000 + last, length), strict=False)


_NETWORKS: st.SearchStrategy[IPv4Network] = st.builds(
    wide, st.integers(8, 11), st.integers(6, 10)
) | st.builds(narrow, st.integers(0, 15), st.integers(28, 32))
_TIMES = st.integers(1, 5).map(lambda n: NOW + 10.0 * n)
_BLOCKS = st.lists(st.tuples(_NETWORKS, _TIMES), max_size=8)


@given(blocks=_BLOCKS, last=st.integers(0, 15))
def test_each_address_is_blocked_until_the_last_block_that_holds_it_ends(
    blocks: list[tuple[IPv4Network, float]], last: int
) -> None:
    one = IPv4Address(0x0A000000 + last)
    found = disjoint(blocks)
    by_blocks = max((ends for network, ends in blocks if one in network), default=0.0)
    assert max((ends for network, ends in found if one in network), default=0.0) == by_blocks


@given(blocks=_BLOCKS)
def test_no_two_ranges_overlap(blocks: list[tuple[IPv4Network, float]]) -> None:
    ranges = [network for network, _ in disjoint(blocks) if network.prefixlen < 32]
    for place, one in enumerate(ranges):
        assert isinstance(one, IPv4Network)
        for other in ranges[place + 1 :]:
            assert isinstance(other, IPv4Network)
            assert not one.overlaps(other)


def test_ipv6_ranges_are_cut_too() -> None:
    large, small = IPv6Network("2001:db8::/32"), IPv6Network("2001:db8::/34")
    assert set(disjoint([(large, 1.0), (small, 2.0)])) == {
        (small, 2.0),
        (IPv6Network("2001:db8:4000::/34"), 1.0),
        (IPv6Network("2001:db8:8000::/33"), 1.0),
    }
    assert disjoint([(large, 2.0), (small, 1.0)]) == ((large, 2.0),)


_ACTS: st.SearchStrategy[Act] = st.sampled_from(
    [
        address("192.0.2.7"),
        address("192.0.2.0/24"),
        address("192.0.2.7", port=443),
        host("a.example"),
        host("a.example", subdomains=True),
        page("a.example", "/x"),
        Isolate(ttl_seconds=60),
    ]
)
_ENTRIES: st.SearchStrategy[list[Entry]] = st.lists(st.builds(entry, _ACTS, _TIMES), max_size=6)


@given(live=_ENTRIES, data=st.data())
def test_one_undone_is_as_if_it_had_never_been(live: list[Entry], data: st.DataObject) -> None:
    undone = data.draw(st.integers(0, max(0, len(live) - 1)))
    rest = live[:undone] + live[undone + 1 :]
    assert wanted(rest) == wanted(reversed(rest))
    if any(each.act == live[undone].act and each.ends >= live[undone].ends for each in rest):
        assert wanted(rest) == wanted(live)


@given(live=_ENTRIES)
def test_what_is_blocked_twice_is_blocked_once(live: list[Entry]) -> None:
    assert wanted(live + live) == wanted(live)


@given(before=_ENTRIES, after=_ENTRIES)
def test_nothing_is_changed_where_nothing_differs(before: list[Entry], after: list[Entry]) -> None:
    has, wants = (ruleset.sets(wanted(live), AROUND) for live in (before, after))
    assert ruleset.difference(wants, wants, NOW) == ""
    assert (ruleset.difference(has, wants, NOW) == "") == (has == wants)


def test_the_union_in_words_that_nft_reads() -> None:
    live = [entry(_act, NOW + 60.5) for _act in (address("192.0.2.7"), address("2001:db8::/32"))]
    sets = ruleset.sets(wanted([*live, entry(address("192.0.2.7", port=443), NOW + 1)]), AROUND)
    script = ruleset.whole(sets, NOW)
    assert (
        "set address4 { type ipv4_addr; flags timeout; elements = { 192.0.2.7 timeout 60s500ms }; }" in script
    )
    assert "elements = { 192.0.2.7 . 443 timeout 1s0ms }" in script
    assert "elements = { 2001:db8::/32 timeout 60s500ms }" in script
    assert "elements = { fd00::1 . 8883 }" in script
    assert "10.1.0.53" in script.partition("set spared4")[2].partition("\n")[0]
    assert "10.1.0.53" not in script.partition("set resolver4")[2].partition("\n")[0], "it needs no name"


def test_dns_is_for_a_broker_that_is_given_by_name() -> None:
    around = Surroundings(broker=AROUND.broker, resolvers=AROUND.resolvers, broker_named=True)
    assert ruleset.sets(Wanted(), around)["resolver4"] == {"10.1.0.53": None}


@pytest.mark.parametrize("seconds", [0.0, 0.0001, -5.0])
def test_no_element_is_ever_for_ever(seconds: float) -> None:
    sets = {**ruleset.sets(Wanted(), AROUND), "address4": {"192.0.2.7": NOW + seconds}}
    script = ruleset.whole(sets, NOW)
    assert "timeout 0s0ms" not in script
    assert ("192.0.2.7" in script) == (seconds > 0)


def test_a_listing_is_read_back() -> None:
    listing = """{"nftables": [{"metainfo": {"version": "1"}}, {"table": {"name": "vedette", "handle": 7}},
        {"set": {"name": "network4", "handle": 4, "elem": [
            {"elem": {"val": {"prefix": {"addr": "10.0.0.0", "len": 8}}, "timeout": 4, "expires": 3}}]}},
        {"set": {"name": "broker4", "elem": [{"concat": ["10.1.0.1", 8883]}]}}]}"""
    sets, shape = ruleset.read(listing, NOW)
    assert sets == {"network4": {"10.0.0.0/8": NOW + 3}, "broker4": {"10.1.0.1 . 8883": None}}
    assert "handle" not in shape
    assert "10.0.0.0" not in shape


def test_networks_of_both_kinds_stand_side_by_side() -> None:
    both = [(ip_network("10.0.0.0/8"), 1.0), (ip_network("2001:db8::/32"), 1.0)]
    assert disjoint(both) == tuple(both)
