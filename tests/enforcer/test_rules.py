"""Addresses and isolation in the kernel's packet filter, in a network of the tests' own."""

import os
import socket
import subprocess
import sys
import time
from ipaddress import ip_address

import pytest
from vedette_enforcer.clock import system_clock
from vedette_enforcer.hosts_file import HostsFile
from vedette_enforcer.nft import Rules
from vedette_enforcer.surroundings import Surroundings
from vedette_schemas import Isolate, OutcomeStatus

from ..faults.network import Namespace, join, namespace
from .acting import Acting, address, host
from .inside import HOST, OTHERS, SERVER, World, echoes, until

pytestmark = [pytest.mark.root, pytest.mark.system]
ONE, TWO, ONE6, TWO6 = OTHERS


def acting(world: World) -> Acting:
    return Acting(world.folder, Rules(system_clock))


def test_a_blocked_address_is_not_reached_and_its_neighbour_is(world: World) -> None:
    _, ended = acting(world).begin(address(ONE))
    assert ended.status is OutcomeStatus.DONE, ended.reason
    assert ended.reason.startswith(f"blocked {ONE} until 20")
    began = time.monotonic()
    assert not world.reaches(ONE)
    assert time.monotonic() - began < 0.5, "refused at once"
    assert world.reaches(TWO)


@pytest.mark.parametrize("blocked", [ONE6, "fd77::9:0/124", f"::ffff:{ONE}", "10.77.8.0/23"])
def test_networks_and_ipv6_and_mapped_addresses(world: World, blocked: str) -> None:
    _, ended = acting(world).begin(address(blocked))
    assert ended.status is OutcomeStatus.DONE, ended.reason
    assert not world.reaches(ONE6 if blocked.startswith("fd") else ONE)
    assert world.reaches(ONE if blocked.startswith("fd") else ONE6)


@pytest.mark.parametrize("at", [ONE, ONE6])
def test_one_port_of_an_address(world: World, at: str) -> None:
    acting(world).begin(address(at, port=443))
    assert not world.reaches(at, 443)
    assert world.reaches(at, 80)


def test_an_open_connection_is_cut(world: World) -> None:
    with world.connect(ONE) as open_, world.connect(TWO) as other:
        assert echoes(open_)
        acting(world).begin(address(ONE))
        assert not echoes(open_)
        assert echoes(other)


def test_what_is_undone_is_reached_again_and_an_overlapping_block_stays(world: World) -> None:
    blocks = acting(world)
    first, _ = blocks.begin(address(ONE))
    second, _ = blocks.begin(address("10.77.9.0/24"))
    assert blocks.blocks.undo(first).status is OutcomeStatus.DONE
    assert not world.reaches(ONE)
    blocks.blocks.undo(second)
    assert world.reaches(ONE)
    assert world.table() == ""


def test_the_kernel_lets_go_by_itself(world: World) -> None:
    blocks = acting(world)
    blocks.begin(address(ONE, ttl=1))
    blocks.begin(address(TWO, ttl=60))
    blocks.begin(Isolate(ttl_seconds=1))
    blocks.journal.close()  # nobody is there any more
    assert not world.reaches(ONE)
    time.sleep(1.2)
    assert world.reaches(ONE)
    assert not world.reaches(TWO)


def test_isolated_reaches_the_broker_and_nothing_else(world: World) -> None:
    blocks = acting(world)
    with world.connect(SERVER, 8080) as broker, world.connect(ONE) as other:
        id_, ended = blocks.begin(Isolate(ttl_seconds=60))
        assert ended.status is OutcomeStatus.DONE, ended.reason
        assert echoes(broker)
        assert not echoes(other)
    assert world.reaches(SERVER, 8080)
    assert not world.reaches(SERVER, 443)
    assert not world.reaches(ONE)
    assert not world.reaches(ONE6)
    blocks.blocks.undo(id_)
    assert world.reaches(ONE)
    assert world.reaches(SERVER, 443)


def test_a_rule_set_that_was_lost_or_changed_is_put_right(world: World) -> None:
    blocks = acting(world)
    blocks.begin(address(ONE))

    def looked() -> bool:
        blocks.blocks.look()
        return not world.reaches(ONE)

    world.flush()
    assert world.reaches(ONE)
    until(looked, "blocked again")
    assert blocks.blocks.put_right == 1
    blocks.begin(address(TWO))
    assert not world.reaches(TWO)


@pytest.mark.parametrize("named", [True, False])
def test_isolated_it_may_ask_for_the_brokers_name_and_only_if_it_has_one(world: World, named: bool) -> None:
    server = ip_address(SERVER)
    around = Surroundings(
        broker=frozenset({(server, 8080)}), broker_named=named, resolvers=frozenset({server})
    )
    blocks = Acting(world.folder, Rules(system_clock), around=around)
    blocks.begin(Isolate(ttl_seconds=60))
    if named:
        assert socket.gethostbyname("broker.example") == ONE
    else:
        with pytest.raises(socket.gaierror):
            socket.gethostbyname("broker.example")
    assert not world.reaches(ONE)


def test_isolated_a_broker_is_found_anew_among_ipv6_neighbours_and_can_not_come_in_itself(
    world: World,
) -> None:
    around = Surroundings(broker=frozenset({(ip_address("fd77::1:1"), 8080)}))
    Acting(world.folder, Rules(system_clock), around=around).begin(Isolate(ttl_seconds=60))
    subprocess.run(["ip", "-6", "neigh", "flush", "all"], check=True)
    until(lambda: world.reaches("fd77::1:1", 8080), "the broker is found anew")
    with socket.create_server(("::", 9_000), family=socket.AF_INET6):
        code = "import socket; socket.create_connection(('fd77::1:2', 9000), 1, ('fd77::1:1', {}))"
        for port in (0, 8_081):
            command = [*world.server.prefix, sys.executable, "-c", code.format(port)]
            assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0


def test_what_is_routed_for_others_is_blocked_and_isolated_too(world: World) -> None:
    here = Namespace(os.getpid())
    with namespace() as container:
        join(here, container, 2)
        container.run("ip", "route", "add", "default", "via", "10.77.2.1")
        world.server.run("ip", "route", "add", "10.77.2.0/30", "via", HOST)
        here.run("sysctl", "-qw", "net.ipv4.ip_forward=1")

        def reaches(address: str) -> bool:
            code = "import socket, sys; socket.create_connection((sys.argv[1], 80), 2)"
            command = [*container.prefix, sys.executable, "-c", code, address]
            return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0

        assert reaches(ONE)
        blocks = acting(world)
        blocks.begin(address(ONE))
        assert not reaches(ONE)
        assert reaches(TWO)
        blocks.begin(Isolate(ttl_seconds=60))
        assert not reaches(TWO)
        assert not reaches(SERVER)


def test_without_nft_an_address_is_not_blocked_and_a_name_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette_enforcer.nft._PATH", "/nowhere")
    blocks = Acting(world.folder, Rules(system_clock), HostsFile())
    _, ended = blocks.begin(address(ONE))
    assert (ended.status, ended.reason) == (OutcomeStatus.FAILED, "not done: nft is not installed")
    ids = [blocks.begin(host(name))[0] for name in ("evil.example", "other.example")]
    assert not world.reaches("evil.example")
    for id_ in ids:
        assert blocks.blocks.undo(id_).status is OutcomeStatus.DONE
    assert world.reaches("evil.example")


def test_after_a_restart_it_is_as_the_journal_says(world: World) -> None:
    blocks = acting(world)
    id_, _ = blocks.begin(address(ONE))
    world.flush()
    again = blocks.restarted(Rules(system_clock))
    assert not world.reaches(ONE)
    again.blocks.undo(id_)
    assert world.reaches(ONE)
