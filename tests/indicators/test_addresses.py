"""IPv6 addresses that stand for an IPv4 address, or lead to one, are that address."""

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import IndicatorType, RefusedError, canonical
from vedette_indicators.addresses import plain, read_network
from vedette_indicators.formats import on_the_internet

from tests.indicators.cases import TODAY, table_of


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("64:ff9b::c000:207", "192.0.2.7"),
        # a network's own NAT64: any /96 below this /48
        ("64:ff9b:1::192.0.2.7", "192.0.2.7"),
        ("64:ff9b:1:a:b00:c:192.0.2.7", "64:ff9b:1:a:b00:c:c000:207"),  # bits 64 to 71 are not zero
        ("64:ff9b:1:a:b::192.0.2.7", "192.0.2.7"),
        ("64:ff9b:1:c000:2:700::", "64:ff9b:1:c000:2:700::"),  # laid out as below a /48
        ("64:ff9b:1:c0:0:207::", "64:ff9b:1:c0:0:207::"),  # a /56
        ("64:ff9b:1:0:c0:2:700:0", "64:ff9b:1:0:c0:2:700:0"),  # a /64
        ("64:ff9b:2::192.0.2.7", "64:ff9b:2::c000:207"),  # another network
        # 6to4: all of a site
        ("2002:808:808::", "8.8.8.8"),
        ("2002:808:808:1:2:3:4:5", "8.8.8.8"),
        ("2002:a00:1::1", "2002:a00:1::1"),  # no relay takes what is nobody's on the Internet
        ("2002:7f00:1::1", "2002:7f00:1::1"),
        ("2002:e000:5::1", "2002:e000:5::1"),
        ("2003:808:808::", "2003:808:808::"),
        # what nobody forwards any more, and tunnels whose address is not the other end's
        ("::192.0.2.7", "::c000:207"),
        ("2001:0:808:808::1", "2001:0:808:808::1"),
        ("fe80::5efe:192.0.2.7", "fe80::5efe:c000:207"),
    ],
)
def test_an_address_that_leads_to_another_is_that_one(written: str, read: str) -> None:
    assert canonical(IndicatorType.IP, written) == read
    assert canonical(IndicatorType.IP, read) == read
    host = f"[{read}]" if ":" in read else read
    assert canonical(IndicatorType.URL, f"http://[{written}]/a") == f"{host}/a"
    assert canonical(IndicatorType.IP_PORT, f"[{written}]:81") == f"{host}:81"
    table = table_of(("ip", read))
    assert table.connection(ip_address(written), 443, on=TODAY)
    assert table.clipboard(f"see http://[{written}]:8080/", on=TODAY)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("64:ff9b::192.0.2.0/120", "192.0.2.0/24"),
        ("64:ff9b:1::192.0.2.0/120", "192.0.2.0/24"),
        ("2002:808:808::/48", "8.8.8.8/32"),
        ("2002:808:808:1::/64", "8.8.8.8/32"),
        ("2002:808::/32", "8.8.0.0/16"),
        ("2002:a00::/24", "2002:a00::/24"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/80", "::/80"),
    ],
)
def test_a_network_of_such_addresses_is_theirs(written: str, read: str) -> None:
    assert str(read_network(written)) == read


@pytest.mark.parametrize("wide", ["::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/96", "2002::/18"])
def test_a_network_that_is_too_wide_is_that_in_any_writing(wide: str) -> None:
    with pytest.raises(RefusedError, match="wider"):
        canonical(IndicatorType.CIDR, wide)


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1), st.integers(24, 128))
def test_a_network_holds_what_a_site_of_6to4_sends(carried: object, rest: int, prefix: int) -> None:
    address = IPv6Address(0x2002 << 112 | int(ip_address(str(carried))) << 80 | rest)
    network = read_network(str(ip_network((address, prefix), strict=False)))
    assert network is not None
    if plain(address).version == network.version:
        assert plain(address) in network


def test_a_feed_of_urls_is_not_led_to_a_relay() -> None:
    assert not on_the_internet(ip_address("2002:808:808::1"))
    assert on_the_internet(ip_address("::ffff:8.8.8.8"))
