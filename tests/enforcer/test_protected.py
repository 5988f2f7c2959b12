"""What is never blocked, whatever a command says."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from vedette_enforcer.never_touch_file import NeverTouch, read_never_touch
from vedette_enforcer.protected import is_lent, is_public, why_not
from vedette_enforcer.surroundings import (
    Surroundings,
    look_around,
    read_gateways4,
    read_gateways6,
    read_resolvers,
)
from vedette_indicators import suffixes
from vedette_schemas import Block, SettingsError
from vedette_transport import BrokerAddress

from .acting import address, host, page

AROUND = Surroundings(
    broker=frozenset({(ip_address("10.1.0.1"), 8883)}),
    resolvers=frozenset({ip_address("10.1.0.53")}),
    gateways=frozenset({ip_address("10.1.0.254")}),
    own=frozenset({ip_address("10.1.0.7"), ip_address("fd00::7")}),
    names=frozenset({"broker.corp.example", "host-7"}),
)
NEVER = NeverTouch(addresses=("203.0.113.0/24",), hosts=("intranet.example",))


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (address("0.0.0.0"), "it stands for this host itself"),
        (address("::"), "it stands for this host itself"),
        (address("127.0.0.1"), "it is this host itself"),
        (address("127.8.9.0/24", None), "it is this host itself"),
        (address("::1"), "it is this host itself"),
        (address("::ffff:127.0.0.1"), "it is this host itself"),
        (address("0.0.0.0/0"), "it is too wide: /8 is the widest network that is blocked"),
        (address("::/0"), "it is too wide: /16 is the widest network that is blocked"),
        (address("224.0.0.251"), "it is no single host's (multicast)"),
        (address("ff02::1"), "it is no single host's (multicast)"),
        (address("fe80::1"), "hosts find their network by such addresses"),
        (address("255.255.255.255"), "it is all hosts of the network (broadcast)"),
        (address("10.1.0.1"), "it is the broker"),
        (address("10.1.0.1", 443), "it is the broker"),
        (address("::ffff:10.1.0.1"), "it is the broker"),
        (address("10.0.0.0/8"), "10.1.0.1 in it is the broker"),
        (address("10.1.0.52/31"), "10.1.0.53 in it is a name server of this host"),
        (address("10.1.0.254"), "it is a gateway of this host"),
        (address("fd00::/64"), "fd00::7 in it is this host itself"),
        (address("203.0.113.9"), "never_touch.toml names it"),
        (address("203.0.0.0/16"), "never_touch.toml names it"),
        (host("localhost"), "it is this host itself"),
        (host("printer.local"), "it is this host itself"),
        (host("com"), "it is no single owner's: anyone can register names below it"),
        (host("intranet"), "it is no single owner's: anyone can register names below it"),
        (host("co.uk"), "it is no single owner's: anyone can register names below it"),
        (host("github.io", subdomains=True), "it is no single owner's: anyone can register names below it"),
        (host("broker.corp.example"), "broker.corp.example is a name of this deployment"),
        (host("corp.example", subdomains=True), "broker.corp.example is a name of this deployment"),
        (host("host-7"), "host-7 is a name of this deployment"),
        (host("wiki.intranet.example"), "never_touch.toml names intranet.example"),
        (page("10.1.0.1", "/x"), "it is the broker"),
        (page("broker.corp.example", "/x"), "broker.corp.example is a name of this deployment"),
    ],
)
def test_what_is_not_blocked(block: Block, why: str) -> None:
    assert why_not(block, AROUND, NEVER) == why


@pytest.mark.parametrize(
    "block",
    [
        address("10.1.0.2"),
        address("198.51.100.0/24"),
        address("2001:db8::/32"),
        host("evil.example", subdomains=True),
        host("corp.example"),
        host("evil.github.io"),
        host("myintranet.example"),
        page("evil.example", "/x"),
    ],
)
def test_what_may_be_blocked(block: Block) -> None:
    assert why_not(block, AROUND, NEVER) is None


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("uk", True),
        ("co.uk", True),
        ("example.co.uk", False),
        ("any.ck", True),
        ("www.ck", False),
        ("xn--p1ai", True),
        ("a.xn--p1ai", False),
        ("example.org", False),
    ],
)
def test_public_suffixes(name: str, public: bool) -> None:
    assert is_public(name) is public


CLOUD = "ec2-192-0-2-1.compute-1.amazonaws.com"


def test_a_machines_own_name_in_a_cloud_is_blocked_alone() -> None:
    assert is_public(CLOUD)
    assert why_not(host(CLOUD, subdomains=False), AROUND, NEVER) is None
    assert why_not(page(CLOUD, "/x"), AROUND, NEVER) is None
    everybodys = ((CLOUD, True), ("compute-1.amazonaws.com", False), ("any.ck", False), ("co.uk", False))
    for name, below in everybodys:
        assert "no single owner's" in (why_not(host(name, subdomains=below), AROUND, NEVER) or "")


@pytest.mark.parametrize("name", [CLOUD, "compute-1.amazonaws.com", "any.ck", "github.io", "example.org"])
def test_lists_and_hosts_take_the_same_names_for_everybodys(name: str) -> None:
    assert (is_public(name), is_lent(name)) == (suffixes.is_public(name), suffixes.is_lent(name))


def test_the_list_is_read_and_a_broken_one_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "never_touch.toml"
    assert read_never_touch(path) == NeverTouch()
    path.write_text('addresses = ["10.0.0.0/8", "::1"]\nhosts = ["Intranet.Example."]\n')
    assert read_never_touch(path).hosts == ("intranet.example",)
    for broken in ('addresses = ["10.0.0.1/8"]', "hosts = 7", "adresses = []", "hosts ="):
        path.write_text(broken)
        with pytest.raises(SettingsError, match=r"never_touch\.toml"):
            read_never_touch(path)
    path.unlink()
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(SettingsError, match="can't be read"):
        read_never_touch(path)


@pytest.mark.parametrize(
    "name", ["*", "*.intranet.example", "https://intranet.example/", "bücher.example", "."]
)
def test_a_name_that_would_spare_nothing_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "never_touch.toml"
    path.write_text(f'hosts = ["{name}"]\n', "utf-8")
    with pytest.raises(SettingsError, match="is no host's name"):
        read_never_touch(path)


def test_surroundings_are_read_from_what_the_system_says() -> None:
    assert list(
        read_resolvers(["# x", "nameserver fe80::1%eth0", "search a", "nameserver x", "nameserver 1.1.1.1"])
    ) == [
        ip_address("fe80::1"),
        ip_address("1.1.1.1"),
    ]
    route = [
        "Iface Destination Gateway Flags",
        "eth0 00000000 0101A8C0 0003 0",
        "eth0 0001A8C0 00000000 0001 0",
    ]
    assert list(read_gateways4(route)) == [ip_address("192.168.1.1")]
    route6 = [f"{'0' * 32} 00 {'0' * 32} 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0"]
    assert list(read_gateways6(route6)) == [ip_address("fe80::1")]
    around = look_around(BrokerAddress(host="::ffff:10.1.0.1", port=1), frozenset(), "host-7")
    assert around.broker == {(ip_address("10.1.0.1"), 1)}
    assert "host-7" in around.names
