"""What hosts send may try anything: on every page it is visible, harmless, and breaks nothing around it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from markupsafe import Markup
from playwright.sync_api import Page, expect
from vedette_console.web.hostile import text
from vedette_console.web.roles import Role
from vedette_schemas import Kind, OutcomeStatus, encode, topics

from tests import messages
from tests.console.web.pages import PAGES
from tests.console.web.site import ConsoleSite
from tests.e2e.acting_site import SENSOR

MARKUP = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>'\"`{{7*7}}<!--"
TURNED = "\u202etxt.exe\u2066\u200b"
LONG = "x" * 600
HOSTILE = f"{MARKUP}{TURNED}\0\x1b[2J\u2028{'̴' * 30}{LONG}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("a\0b", 'a<span class="odd">␀</span>b'),
        ("\u202e", '<span class="odd">U+202E</span>'),
        ("\x7f", '<span class="odd">␡</span>'),
        ("\ud800", '<span class="odd">U+D800</span>'),
        ("e" + "\u0301" * 4, "e" + "\u0301" * 3 + '<span class="odd">U+0301</span>'),
        ("كلمة", "كلمة"),
        (Markup("<b>"), "&lt;b&gt;"),
    ],
)
def test_a_text_is_shown_as_it_is_and_as_nothing_else(given: str, shown: str) -> None:
    assert text(given) == f'<bdi class="text">{shown}</bdi>'
    text(given).encode()


def test_a_text_is_cut() -> None:
    assert text("x" * 20, 10) == f'<bdi class="text">{"x" * 9}…</bdi>'


@pytest.fixture(scope="module")
def hostile(shared_site: ConsoleSite) -> Iterator[ConsoleSite]:
    """A site whose host has sent all of it: a title, what it says of itself, and why it did something."""
    site = shared_site
    now = datetime.now(UTC)
    item = messages.window(title=f"a loud phrase {HOSTILE}"[:1_000], seen_at=now)
    report = messages.report(item, sender=str(SENSOR), sent_at=now)
    site.acting.watch.publish(topics.report(SENSOR, Kind.WINDOW), encode(report))
    site.acting.alert(lambda alert: alert.origin is not None and alert.origin.kind == Kind.WINDOW)
    site.enforcer.says = {"window": HOSTILE[:300]}
    site.enforcer.answer = OutcomeStatus.REFUSED, HOSTILE[:900].replace("{", "(").replace("}", ")")
    page = site.person(Role.RESPONDER).go("/hosts/host-7")
    page.get_by_role("button", name="Isolate this host").click()
    expect(page.locator(".note.bad")).to_contain_text("refused by host-7: <img")
    site.enforcer.taken.get(timeout=10)
    site.leave()
    yield site
    site.enforcer.says, site.enforcer.answer = {}, (OutcomeStatus.DONE, "{action} is done")


@pytest.mark.system
@pytest.mark.parametrize("path", PAGES)
def test_hostile_text_is_harmless_on_every_page(hostile: ConsoleSite, path: str) -> None:
    page = hostile.person(Role.ADMIN, viewport={"width": 380, "height": 800}).go(path)
    assert page.evaluate("window.pwned") is None
    expect(page.locator("main img, main script")).to_have_count(0)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert width(page) <= 380, "nothing sticks out at the side"
    hostile.leave()


@pytest.mark.system
@pytest.mark.parametrize("path", ["/", "/alerts", "/hosts/host-7"])
def test_what_can_not_be_shown_is_named(hostile: ConsoleSite, path: str) -> None:
    page = hostile.person(Role.VIEWER).go(path)
    expect(page.locator(".odd", has_text="U+202E").first).to_be_attached()
    expect(page.locator(".odd", has_text="␀").first).to_be_attached()
    assert "<script>window.pwned" in (page.locator("main").text_content() or "")
    hostile.leave()


def width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))
