"""From an alert and a host one gets on, in a real browser: to what is known of it, holds and can be done."""

import re

import pytest
from playwright.sync_api import expect
from vedette_archive import Reader
from vedette_console.web.roles import Role
from vedette_schemas import OutcomeStatus

from tests.console.web.site import ConsoleSite
from tests.console.web.test_every_page import complaints
from tests.console.web.test_pages import waiting

pytestmark = pytest.mark.system

COVERED = "in Chromium, Firefox; by the hosts file, of the names below it www alone; not covered: <b>much</b>"


def test_who_acknowledges_alerts_is_told_that_it_is_their_incidents(site: ConsoleSite) -> None:
    name = waiting(site, 15)
    page = site.person(Role.RESPONDER).go("/alerts?severity=high")
    page.locator("#alerts > li", has_text=name).get_by_role("checkbox").check()
    page.get_by_role("button", name="Acknowledge their incidents").click()
    note = page.locator(".note.good")
    expect(note).to_have_text(
        re.compile(r"^incident [0-9a-f]{8}: acknowledged; [\d,]+ alerts? in it, of which you chose 1$")
    )
    with Reader(site.deployment.archive) as reader:
        (known,) = (
            each for each in reader.incidents.page().incidents if str(each.id)[:8] in note.inner_text()
        )
    assert f" {known.alerts:,} alert" in note.inner_text()


def test_an_alert_leads_to_its_entry_and_to_its_action(site: ConsoleSite) -> None:
    name = waiting(site, 16)
    page = site.person(Role.VIEWER).go("/")
    row = page.locator("#alerts > li", has_text=name)
    row.locator("summary").press("Enter")
    row.get_by_role("link", name="What lists say of it").click()
    expect(page.get_by_role("region", name="What hits")).to_contain_text(f"host {name}")
    page.goto("/")
    row.locator("summary").press("Enter")
    row.get_by_role("link", name="how it stands now").click()
    sought = page.locator(".orders li:is(:target, .sought)")
    expect(sought).to_contain_text(name)
    waiting(site, 13)  # all is drawn anew
    expect(page.locator(".orders li", has_text="evil-13.example")).to_be_visible()
    expect(sought).to_contain_text(name)


def test_a_host_shows_what_waits_and_holds_there_and_it_is_undone_there(site: ConsoleSite) -> None:
    name = waiting(site, 17)
    site.enforcer.answer = OutcomeStatus.DONE, f"blocked {name} until 2026-11-22T08:10:00Z; {COVERED}"
    try:
        page = site.person(Role.RESPONDER).go("/hosts/host-7")
        waits = page.get_by_role("region", name="Waits for approval")
        waits.locator("li", has_text=name).get_by_role("button", name="Approve").click()
        expect(page.locator(".note.good")).to_contain_text("not covered: <b>much</b>")
        site.enforcer.taken.get(timeout=10)
    finally:
        site.enforcer.answer = OutcomeStatus.DONE, "{action} is done"
    row = page.locator("#alerts > li", has_text=name)
    expect(row.locator("summary .done")).to_have_text(re.compile(rf"^blocked {name} until Nov 2\d.*\d$"))
    row.locator("summary").press("Enter")
    expect(row.locator("dt:text-is('Done') + dd")).to_contain_text(COVERED)
    assert complaints(page) == []
    row.get_by_role("link", name="The incident that it belongs to").click()
    moment = page.locator(".moments li.loud", has_text=f"blocked {name}").first
    expect(moment.locator("summary")).not_to_contain_text("not covered")
    moment.locator("summary").press("Enter")
    expect(moment.locator("details p")).to_contain_text(COVERED)
    assert complaints(page) == []

    looker = site.person(Role.VIEWER).go("/hosts/host-7")
    holds = looker.get_by_role("region", name="In force here")
    expect(holds).to_contain_text(name)
    expect(holds.get_by_role("button")).to_have_count(0)
    page.goto("/hosts/host-7")
    holds = page.get_by_role("region", name="In force here")
    holds.locator("li", has_text=name).get_by_role("button", name="Undo").click()
    site.enforcer.taken.get(timeout=10)
    expect(page.locator(".note.good")).to_contain_text("undo is done")
    expect(page).to_have_url(f"{site.base}/hosts/host-7")
    expect(holds).not_to_contain_text(name)
    page.get_by_role("link", name="Incidents of this host").click()
    expect(page.get_by_label("Host")).to_have_value("host-7")


def test_a_hosts_mode_and_what_it_allows_are_told_apart(site: ConsoleSite) -> None:
    site.enforcer.says = {"mode": "enforce"}
    try:
        page = site.person(Role.VIEWER).page
        mode = page.locator("dt:text-is('Mode') + dd")
        for _ in range(20):
            page.goto("/hosts/host-7")
            if mode.inner_text() != "approve":
                break
            page.wait_for_timeout(250)
        expect(mode).to_have_text("approve: the server says so, the host itself allows up to enforce")
        page.locator("summary", has_text="enforcer@host-7").click()
        expect(page.locator("dt:has-text('allows up to') + dd")).to_have_text("enforce")
    finally:
        site.enforcer.says = {}
