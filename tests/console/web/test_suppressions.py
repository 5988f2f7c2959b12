"""Suppressions in a real browser: what will be suppressed, what is, who has done so; and lifting it."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from vedette_archive import Reader
from vedette_console.web.roles import Role

from tests.console.web.site import ConsoleSite
from tests.console.web.test_every_page import complaints
from tests.console.web.test_pages import waiting

pytestmark = pytest.mark.system


def test_what_is_suppressed_is_listed_counted_and_lifted(site: ConsoleSite) -> None:
    name = waiting(site, 12)
    page = site.person(Role.RESPONDER).go("/alerts?text=evil-12")
    page.locator("#alerts > li").first.get_by_role("checkbox").check()
    page.locator("summary", has_text="Suppress").click()
    expect(page.locator(".bulk .hint")).to_contain_text("the list's entry that it names is suppressed")
    page.get_by_label("Why").fill("our own <server>")
    page.get_by_role("button", name="Suppress").click()
    expect(page.locator(".note.good")).to_contain_text(f": host {name} on host-7")
    site.acting.copy(f"see http://{name}/ once more")
    site.acting.copy("after it: a quiet phrase")
    site.acting.alert(lambda alert: alert.severity == "low")
    expect(page.get_by_role("link", name=re.compile("suppression"))).to_have_count(1)
    page.get_by_role("link", name=re.compile("suppression")).click()
    held = page.get_by_role("region", name="In force").locator("li", has_text=name)
    for words in (f"host {name} on host-7", "by console@main/a-responder", "our own <server>"):
        expect(held).to_contain_text(words)
    expect(held).to_contain_text("has hidden 1 alert, the last")
    (until,) = held.locator(".ends time").evaluate_all("all => all.map(each => each.dateTime)")
    assert timedelta(days=6.9) < datetime.fromisoformat(until) - datetime.now(UTC) <= timedelta(days=7)
    assert complaints(page) == []
    looker = site.person(Role.VIEWER).go(f"/indicators?q=http://www.{name}/")
    expect(looker.locator(".note")).to_contain_text(f"Suppressed: host {name} on host-7, ")
    assert complaints(looker) == []
    looker.get_by_role("link", name="Suppressed").click()
    expect(looker.get_by_text(f"host {name} on host-7")).to_be_visible()
    expect(looker.get_by_role("button", name="Lift")).to_have_count(0)
    held.get_by_role("button", name="Lift").click()
    expect(page.locator(".note.good")).to_contain_text("lifted, and told again from now on")
    over = page.get_by_role("region", name="Over").locator("li", has_text=name)
    expect(over).to_contain_text("lifted by console@main/a-responder")
    waiting_again = waiting(site, 12)
    assert waiting_again == name, "it is told again"
    with Reader(site.acting.folder / "archive.db") as reader:
        assert not [each for each in reader.suppressed.newest() if name in each.covers and not each.ended_by]


def test_without_any_the_page_says_what_would_fill_it(site: ConsoleSite) -> None:
    page = site.person(Role.RESPONDER).go("/alerts/suppressions")
    while (lift := page.get_by_role("button", name="Lift")).count():
        lift.first.click()
        page.wait_for_selector(".note.good")
    expect(page.locator(".empty")).to_contain_text("Nothing is suppressed")
    expect(page.locator(".empty")).to_contain_text("vedette suppress")


def test_a_viewer_lifts_nothing_and_what_is_not_there_can_not_be_lifted(site: ConsoleSite) -> None:
    for role, says in ((Role.VIEWER, "Your role, viewer, may not do that"), (Role.RESPONDER, "not in force")):
        page = site.person(role).go("/alerts/suppressions")
        page.locator("#act").evaluate(
            "(form, id) => { form.action = `/alerts/suppressions/${id}/lift`; form.submit() }", str(uuid4())
        )
        expect(page.locator(".note.bad")).to_contain_text(says)


@pytest.mark.parametrize("path", ["/alerts", "/history"])
def test_the_detectors_that_found_something_are_offered(site: ConsoleSite, path: str) -> None:
    site.acting.copy("for a detector: a quiet phrase")
    alert = site.acting.alert(lambda alert: alert.severity == "low")
    page = site.person(Role.VIEWER).go(path)
    offered = page.locator("#detectors option").evaluate_all("all => all.map(each => each.value)")
    assert alert.detector in offered
    assert offered == sorted(offered)
    field = page.get_by_label("Detector")
    expect(field).to_have_attribute("list", "detectors")
    field.fill(alert.detector)
    page.get_by_role("button", name="Search").click()
    expect(page.locator(f"#alert-{alert.id}")).to_be_visible()
