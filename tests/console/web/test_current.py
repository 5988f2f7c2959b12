"""Open pages in a real browser: what is new, in the order of its times, and that the server is away."""

import re

import pytest
from playwright.sync_api import Page, expect
from vedette_console.web.roles import Role
from vedette_schemas import Alert

from tests.console.web.pages import PAGES
from tests.console.web.site import ConsoleSite
from tests.console.web.test_pages import waiting

pytestmark = pytest.mark.system

LIVE = ("/", "/alerts", "/hosts", "/hosts/host-7", "/actions")
"""As docs/CONSOLE.md has it."""


def quiet(site: ConsoleSite) -> Alert:
    site.acting.copy("once more: a quiet phrase")
    return site.acting.alert(lambda alert: alert.severity == "low" and alert.origin is not None)


def times(page: Page) -> list[str]:
    found: list[str] = page.locator("#alerts > li > time").evaluate_all(
        "all => all.map(each => each.dateTime)"
    )
    return found


def test_that_the_server_is_away_is_said_in_sight_until_it_is_back(site: ConsoleSite) -> None:
    people = [site.person(Role.VIEWER, viewport={"width": 380, "height": 600}) for _ in range(2)]
    for person, path in zip(people, ("/", "/alerts"), strict=True):
        page = person.go(path)
        person.is_live()
        expect(page.locator("#away")).to_be_empty()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
    site.stop()
    for person in people:
        away = person.page.get_by_role("status").and_(person.page.locator("#away"))
        expect(away).to_have_text("The server does not answer. This page goes on as soon as it does.")
        expect(away).to_be_in_viewport(ratio=1)
    site.start()
    for person in people:
        expect(person.page.locator("#away")).to_be_empty()
        person.is_live()


def test_a_list_of_alerts_says_how_many_are_new_and_stays_as_it_is(site: ConsoleSite) -> None:
    quiet(site)
    person = site.person(Role.RESPONDER)
    page = person.go("/alerts")
    person.is_live()
    news = page.get_by_role("status").and_(page.locator("#news"))
    expect(news).to_be_empty()
    before = page.locator("#alerts > li").count()
    first = quiet(site)
    expect(news).to_have_text("1 new alert: show it")
    second = quiet(site)
    expect(news).to_have_text("2 new alerts: show them")
    assert page.locator("#alerts > li").count() == before
    news.get_by_role("link").click()
    expect(page.locator(f"#alert-{first.id}")).to_be_visible()
    expect(page.locator(f"#alert-{second.id}")).to_be_visible()
    expect(news).to_be_empty()


def test_a_list_of_some_alerts_says_that_there_are_new_ones_of_any_kind(site: ConsoleSite) -> None:
    quiet(site)
    person = site.person(Role.VIEWER)
    page = person.go("/alerts?severity=critical")
    person.is_live()
    quiet(site)
    expect(page.locator("#news")).to_have_text("1 new alert since: look again")
    page.locator("#news a").click()
    expect(page).to_have_url(f"{site.base}/alerts?severity=critical")
    expect(page.locator("#news")).to_be_empty()


def test_an_alert_that_is_approved_goes_where_its_time_is(site: ConsoleSite) -> None:
    name = waiting(site, 14)
    quiet(site)
    person = site.person(Role.RESPONDER)
    page = person.go("/")
    person.is_live()
    row = page.locator("#alerts > li", has_text=name)
    assert times(page).index(row.locator("> time").get_attribute("datetime") or "") > 0
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    looker = site.person(Role.RESPONDER).go("/actions")
    looker.locator(".orders li", has_text=name).get_by_role("button", name="Approve").click()
    site.enforcer.taken.get(timeout=10)
    expect(page.locator("#alerts > li").first).to_contain_text(name)
    expect(row).to_contain_text("(approved by")
    expect(row.locator("dl")).to_be_visible()
    expect(row.locator("summary")).to_be_focused()
    for path in ("/", "/hosts/host-7"):
        page.goto(path)
        assert times(page) == sorted(times(page), reverse=True)


def test_which_pages_are_live_is_as_the_docs_say(site: ConsoleSite) -> None:
    page = site.person(Role.ADMIN).page
    found = set[str]()
    for path in PAGES:
        page.goto(path)
        if page.locator("main[data-live]").count():
            found.add(re.sub(r"\?.*", "", path))
    assert found == set(LIVE)
