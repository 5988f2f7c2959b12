"""Audit in a real browser: what was done, who reads it, and a row that was changed."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect
from vedette_console.web.deeds import Deeds
from vedette_console.web.roles import Role

from tests.console.web.site import PASSWORD, ConsoleSite

pytestmark = pytest.mark.system


def test_what_programs_and_people_did_is_found(site: ConsoleSite) -> None:
    page = site.person(Role.RESPONDER).go("/audit?what=analyzer")
    rows = page.get_by_role("region", name="Rows").locator("tbody tr")
    expect(rows.first).to_contain_text("analyzer.started")
    page.goto("/audit?text=no+such+words+anywhere")
    expect(page.get_by_text("No row fits.")).to_be_visible()
    for address, says in (("since=yesterday", "since"), ("below=-1", "below"), ("book=other", "book")):
        page.goto(f"/audit?{address}")
        expect(page.get_by_role("alert")).to_contain_text(says)


def test_who_signs_in_and_who_guesses_is_put_down(site: ConsoleSite) -> None:
    site.account("dora", Role.VIEWER)
    page = site.person(None).go("/sign-in")
    page.get_by_label("Name").fill("dora")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page = site.person(None).go("/sign-in")
    for _ in range(5):
        page.get_by_label("Name").fill("<b>nobody")
        page.get_by_label("Password").fill("a wrong password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    page = site.person(Role.RESPONDER).go("/audit?book=console&what=session")
    rows = page.get_by_role("region", name="Rows").locator("tbody tr")
    expect(rows.filter(has_text="dora").first).to_contain_text("signed in from 127.0.0.1")
    expect(rows.filter(has_text="<b>nobody").first).to_contain_text("session.locked")


def test_the_chains_are_verified_and_a_changed_row_is_found(site: ConsoleSite) -> None:
    Deeds(site.store).note("a test", "test.note", "this is what was said")
    page = site.person(Role.RESPONDER).go("/audit")
    page.get_by_role("button", name="Verify the chain").click()
    found = page.get_by_role("status").filter(has_text="Head")
    expect(found).to_have_count(2)
    for each in found.all():
        expect(each).to_contain_text("all as they were written")
    with closing(sqlite3.connect(site.store.path)) as connection:
        trigger = "SELECT sql FROM sqlite_master WHERE name = 'audit_no_update'"
        (sql,) = connection.execute(trigger).fetchone()
        change = "UPDATE audit SET words = ? WHERE what = 'test.note'"
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute(change, ("something else",))
        connection.execute(sql)
        connection.commit()
        page.get_by_role("button", name="Verify the chain").click()
        expect(page.locator(".note.bad")).to_contain_text("was changed")
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute(change, ("this is what was said",))
        connection.execute(sql)
        connection.commit()
    assert not Deeds(site.store).verify().faults


def test_a_viewer_does_not_read_it(site: ConsoleSite) -> None:
    page = site.person(Role.VIEWER).go("/audit")
    expect(page.locator(".note.bad")).to_contain_text("Your role, viewer, may not do that")
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
