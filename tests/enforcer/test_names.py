"""Host names: the hosts file, its section alone, with programs that ask for names as all do."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_enforcer.clock import system_clock
from vedette_enforcer.hosts_file import HostsFile
from vedette_enforcer.hosts_section import BEGIN, END, said_by_others, with_section
from vedette_enforcer.nft import Rules
from vedette_schemas import OutcomeStatus

from .acting import Acting, host
from .inside import HOSTS, OTHERS, World, until

FILE = Path("/etc/hosts")
ONE = ("evil.example", False)


def acting(world: World) -> Acting:
    return Acting(world.folder, Rules(system_clock), HostsFile())


# The section


_LINES: st.SearchStrategy[list[bytes]] = st.lists(
    st.sampled_from([b"127.0.0.1 localhost", b"# a remark", b"", b"192.0.0.8\tfoo", END, b"\xff\x00", b"x"])
)
_ENDS = st.sampled_from([b"", b"\n", b"\r\n"])
_FILES: st.SearchStrategy[bytes] = st.tuples(_LINES, _ENDS).map(lambda file: b"\n".join(file[0]) + file[1])
_HOSTS = st.lists(st.tuples(st.sampled_from(["a.example", "b.example"]), st.booleans()), max_size=3)


@given(content=_FILES, hosts=_HOSTS)
def test_what_is_put_in_is_taken_out_to_the_byte(content: bytes, hosts: list[tuple[str, bool]]) -> None:
    with_it = with_section(content, hosts)
    assert with_section(with_it, ()) == content
    assert with_section(with_it, hosts) == with_it
    assert with_it.startswith(content)


@given(content=_FILES, hosts=_HOSTS, cut=st.integers(0, 400))
def test_a_section_that_was_cut_off_in_writing_takes_no_line_of_others_along(
    content: bytes, hosts: list[tuple[str, bool]], cut: int
) -> None:
    with_it = with_section(content, hosts)
    torn = with_it[: max(len(content), len(with_it) - cut)]
    mended = with_section(torn, ())
    assert mended.startswith(content.removesuffix(b"\n"))
    assert b"evil" not in mended


def test_lines_that_others_add_below_or_within_stay() -> None:
    with_it = with_section(b"127.0.0.1 localhost\n", [ONE]) + b"10.0.0.1 added\n"
    assert with_section(with_it, ()) == b"127.0.0.1 localhost\n10.0.0.1 added\n"
    open_ = with_section(b"127.0.0.1 localhost", [ONE]) + b"10.0.0.1 added\n"
    assert with_section(open_, ()) == b"127.0.0.1 localhost\n10.0.0.1 added\n"
    within = with_it.replace(END, b"10.0.0.2 within\n" + END)
    assert b"within" in with_section(within, ())


def test_of_all_below_a_name_the_file_can_say_www_only() -> None:
    content = with_section(b"", [("evil.example", True)])
    assert b"\twww.evil.example\n" in content
    assert content.count(b"\t") == 4


def test_names_that_other_lines_lead_elsewhere_are_told() -> None:
    assert said_by_others(b"10.0.0.1 other EVIL.example # a.example\n", [ONE, ("a.example", False)]) == [
        "evil.example"
    ]


# The file


@pytest.mark.root
@pytest.mark.system
def test_a_blocked_name_is_refused_and_its_neighbour_is_not(world: World) -> None:
    blocks = acting(world)
    assert world.reaches("evil.example")
    id_, ended = blocks.begin(host("evil.example", subdomains=True))
    assert ended.status is OutcomeStatus.DONE, ended.reason
    assert "by the hosts file, of the names below it www alone" in ended.reason
    assert not world.reaches("evil.example", seconds=3)
    assert not world.reaches("www.evil.example", seconds=3)
    assert world.reaches("good.example")
    with pytest.raises(ConnectionRefusedError):
        world.connect("evil.example")
    blocks.blocks.undo(id_)
    assert world.reaches("evil.example")
    assert FILE.read_text() == HOSTS


@pytest.mark.root
@pytest.mark.system
def test_a_listener_on_the_host_itself_is_not_what_a_blocked_name_reaches(world: World) -> None:
    acting(world).begin(host("evil.example"))
    with socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True):
        assert not world.reaches("evil.example", seconds=3)


@pytest.mark.root
@pytest.mark.system
def test_mode_and_owner_stay_and_a_file_mounted_by_itself_is_written_in_place(world: World) -> None:
    FILE.chmod(0o640)
    os.chown(FILE, 7, 8)
    blocks = acting(world)
    id_, _ = blocks.begin(host("evil.example"))
    found = FILE.stat()
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o640, 7, 8)
    blocks.blocks.undo(id_)
    alone = world.folder / "hosts"
    alone.write_text("127.0.0.1 localhost")
    subprocess.run(["mount", "--bind", alone, FILE], check=True)
    id_, ended = blocks.begin(host("evil.example"))
    assert ended.status is OutcomeStatus.DONE, ended.reason
    assert BEGIN in alone.read_bytes()
    blocks.blocks.undo(id_)
    assert alone.read_text() == "127.0.0.1 localhost"
    assert not list(Path("/etc").glob("*.vedette"))


@pytest.mark.root
@pytest.mark.system
def test_an_edit_by_others_is_kept_and_ours_put_back(world: World) -> None:
    blocks = acting(world)
    blocks.begin(host("evil.example"))
    FILE.write_text(f"{HOSTS}{OTHERS[1]}\tadded\n")

    def looked() -> bool:
        blocks.blocks.look()
        return not world.reaches("evil.example")

    until(looked, "blocked again")
    assert FILE.read_bytes().startswith(f"{HOSTS}{OTHERS[1]}\tadded\n".encode())
    assert blocks.blocks.put_right == 1


@pytest.mark.root
@pytest.mark.system
def test_an_edit_that_leaves_our_section_alone_is_no_disturbance(world: World) -> None:
    blocks = acting(world)
    blocks.begin(host("evil.example"))
    FILE.write_bytes(FILE.read_bytes() + b"10.0.0.1 added\n")
    blocks.blocks.look()
    assert blocks.blocks.put_right == 0
    assert FILE.read_bytes().endswith(END + b"\n10.0.0.1 added\n")


@pytest.mark.root
@pytest.mark.system
def test_a_name_that_the_file_itself_leads_elsewhere_is_told_as_failed(world: World) -> None:
    FILE.write_text(f"{HOSTS}{OTHERS[1]}\tevil.example\n")
    _, ended = acting(world).begin(host("evil.example"))
    assert ended.status is OutcomeStatus.FAILED
    assert "other lines of /etc/hosts say where evil.example is" in ended.reason
    assert FILE.read_text() == f"{HOSTS}{OTHERS[1]}\tevil.example\n"


@pytest.mark.root
@pytest.mark.system
def test_a_file_that_cant_be_written_is_an_outcome(world: World) -> None:
    alone = world.folder / "hosts"
    alone.write_text(HOSTS)
    subprocess.run(["mount", "--bind", alone, FILE], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", FILE], check=True)
    _, ended = acting(world).begin(host("evil.example"))
    assert ended.status is OutcomeStatus.FAILED
    assert "/etc/hosts can't be written" in ended.reason
