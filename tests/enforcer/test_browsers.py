"""Pages: what browsers' managed policies say, and what real browsers make of them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_enforcer.browsers import CHROMIUMS, FIREFOX, OUR_FILE, Browsers
from vedette_enforcer.clock import system_clock
from vedette_enforcer.hosts_file import HostsFile
from vedette_enforcer.nft import Rules
from vedette_enforcer.part import ActError
from vedette_enforcer.policies import (
    MOST_PATTERNS,
    chromium_file,
    chromium_patterns,
    firefox_file,
    firefox_patterns,
)
from vedette_enforcer.wanted import Wanted
from vedette_schemas import OutcomeStatus

from .acting import Acting, host, page
from .inside import World, until

CHROMIUM, CHROME, EDGE = (browser.folder / OUR_FILE for browser in CHROMIUMS)
FIREFOX_FILE = FIREFOX.folder / "policies.json"


def acting(world: World) -> Acting:
    return Acting(world.folder, Rules(system_clock), HostsFile(), Browsers())


# What the files say


@pytest.mark.parametrize(
    ("wanted", "chromium", "firefox"),
    [
        (Wanted(pages=(("a.example", "/x"),)), [".a.example/x"], ["*://a.example/x*"]),
        (Wanted(pages=(("192.0.2.7", "/x?y"),)), ["192.0.2.7/x?y"], ["*://192.0.2.7/x?y*"]),
        (Wanted(pages=(("2001:db8::1", "/"),)), ["[2001:db8::1]/"], ["*://[2001:db8::1]/*"]),
        (Wanted(hosts=(("a.example", False),)), [".a.example"], ["*://a.example/*"]),
        (Wanted(hosts=(("a.example", True),)), ["a.example"], ["*://*.a.example/*"]),
    ],
)
def test_patterns(wanted: Wanted, chromium: list[str], firefox: list[str]) -> None:
    assert chromium_patterns(wanted) == chromium
    assert firefox_patterns(wanted) == firefox


def test_what_other_files_list_is_listed_in_ours_too_since_the_last_file_wins() -> None:
    others = [b'{"URLBlocklist": ["theirs", 7]}', b"no JSON", b'{"HomepageLocation": "x"}', b"[]"]
    written = chromium_file(["ours"], others)
    assert written is not None
    assert json.loads(written) == {"URLBlocklist": ["ours", "theirs"]}
    assert chromium_file([], others) is None


def test_more_than_browsers_read_is_refused() -> None:
    with pytest.raises(ActError, match="1000 patterns at most"):
        chromium_file([str(number) for number in range(MOST_PATTERNS + 1)], [])


_BLOCKS = st.lists(st.sampled_from(["*://a.example/*", "*://theirs.example/*"]), min_size=1, unique=True)
_PLAIN: list[dict[str, Any]] = [{}, {"policies": {}}, {"policies": {"DisableTelemetry": True}, "more": [1]}]
_FIREFOX: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(_PLAIN),
    _BLOCKS.map(lambda block: {"policies": {"WebsiteFilter": {"Block": block, "Exceptions": ["x"]}}}),
    _BLOCKS.map(lambda block: {"policies": {"WebsiteFilter": {"Block": block}}}),
)
_PATTERNS = st.lists(st.sampled_from(["*://a.example/*", "*://b.example/*", "*://c.example/x*"]), unique=True)


@given(theirs=_FIREFOX, rounds=st.lists(_PATTERNS, min_size=1, max_size=3))
def test_the_operators_policies_stay_and_come_back_as_they_were(
    theirs: dict[str, Any], rounds: list[list[str]]
) -> None:
    content: bytes | None = json.dumps(theirs).encode()
    for patterns in rounds:
        content = firefox_file(patterns, content)
        assert content is not None
        found = json.loads(content)
        block = found.get("policies", {}).get("WebsiteFilter", {}).get("Block", [])
        assert set(patterns) <= set(block)
        assert set(theirs.get("policies", {}).get("WebsiteFilter", {}).get("Block", [])) <= set(block)
        assert firefox_file(patterns, content) == content
    after = firefox_file([], content)
    assert after is not None
    found = json.loads(after)
    assert "vedette" not in found
    assert {"policies": {}} | found == {"policies": {}} | theirs


@given(rounds=st.lists(_PATTERNS, min_size=1, max_size=3))
def test_a_file_that_we_made_goes_with_the_last_block(rounds: list[list[str]]) -> None:
    content: bytes | None = None
    for patterns in rounds:
        content = firefox_file(patterns, content)
    assert firefox_file([], content) is None


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"policies": []}', b'{"policies": {"WebsiteFilter": 1}}'])
def test_a_file_that_is_not_understood_is_left_as_it_is(content: bytes) -> None:
    with pytest.raises(ActError, match="left as it is"):
        firefox_file(["*://a.example/*"], content)


# The files


@pytest.mark.root
@pytest.mark.system
def test_each_browser_that_is_there_is_told_and_what_others_wrote_stays(world: World) -> None:
    for folder in (CHROMIUM.parent, CHROME.parent, EDGE.parent, FIREFOX_FILE.parent):
        folder.mkdir(parents=True)
    theirs = EDGE.parent / "company.json"
    theirs.write_text('{"URLBlocklist": ["theirs.example"]}')
    FIREFOX_FILE.write_text('{"policies": {"DisableTelemetry": true}}')
    blocks = acting(world)
    id_, ended = blocks.begin(page("evil.example", "/listed"))
    assert ended.status is OutcomeStatus.DONE, ended.reason
    assert "in Chromium, Chrome, Edge, Firefox" in ended.reason
    assert "not covered: other programs, pages already open" in ended.reason
    assert json.loads(CHROME.read_text()) == {"URLBlocklist": [".evil.example/listed"]}
    assert json.loads(EDGE.read_text()) == {"URLBlocklist": [".evil.example/listed", "theirs.example"]}
    assert json.loads(FIREFOX_FILE.read_text())["policies"]["DisableTelemetry"] is True
    CHROME.unlink()
    blocks.blocks.look()
    assert CHROME.exists(), "put back"
    blocks.blocks.undo(id_)
    assert not any(path.exists() for path in (CHROMIUM, CHROME, EDGE))
    assert json.loads(FIREFOX_FILE.read_text()) == {"policies": {"DisableTelemetry": True}}
    assert theirs.exists()


# Real browsers


def chromium(world: World, url: str) -> str:
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--timeout=5000"]
    command += ["--virtual-time-budget=5000", f"--user-data-dir={world.folder / 'profile'}", url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.mark.root
@pytest.mark.system
def test_in_chromium_a_listed_page_opens_nothing_and_its_neighbour_opens(world: World) -> None:
    blocks = acting(world)
    id_, ended = blocks.begin(page("evil.example", "/listed"))
    assert ended.status is OutcomeStatus.DONE, ended.reason
    assert "the page /neighbour.html" in chromium(world, "http://evil.example/neighbour.html")
    assert "the page" not in chromium(world, "http://evil.example/listed/page.html")
    assert "/listed/page.html" not in world.opened()
    assert "the page /listed" in chromium(world, "http://good.example/listed")
    blocks.blocks.undo(id_)
    assert "the page /listed/page.html" in chromium(world, "http://evil.example/listed/page.html")


@pytest.mark.root
@pytest.mark.system
def test_in_chromium_names_below_a_blocked_name_open_nothing(world: World) -> None:
    acting(world).begin(host("evil.example", subdomains=True))
    for name in ("evil.example", "any.evil.example"):
        assert "the page" not in chromium(world, f"http://{name}/")
    assert "/" not in world.opened()
    assert "the page" in chromium(world, "http://good.example/")


def firefox(world: World, url: str, until_opened: str | None) -> None:
    profile = world.folder / "firefox"
    profile.mkdir(exist_ok=True)
    with subprocess.Popen(
        ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), url],
        env={"HOME": str(world.folder), "PATH": "/usr/bin:/bin", "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as program:
        try:
            if until_opened is None:
                program.wait(15)
            else:
                until(lambda: until_opened in world.opened(), f"{until_opened} is opened", 40)
        except subprocess.TimeoutExpired:
            pass
        finally:
            program.kill()


@pytest.mark.root
@pytest.mark.system
@pytest.mark.skipif(shutil.which("firefox-esr") is None, reason="Firefox is not installed")
def test_in_firefox_a_listed_page_opens_nothing_and_its_neighbour_opens(world: World) -> None:
    acting(world).begin(page("evil.example", "/listed"))
    firefox(world, "http://evil.example/neighbour.html", "/neighbour.html")
    firefox(world, "http://evil.example/listed/page.html", None)
    assert "/listed/page.html" not in world.opened()
    FIREFOX_FILE.unlink()
    firefox(world, "http://evil.example/listed/page.html", "/listed/page.html")


def test_the_files_of_the_tests_are_those_of_the_browsers() -> None:
    assert Path("/etc/chromium/policies/managed/zz-vedette.json") == CHROMIUM
    assert Path("/etc/firefox/policies/policies.json") == FIREFOX_FILE
