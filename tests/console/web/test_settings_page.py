"""Settings in a real browser: accounts, tokens, and what is only shown."""

import re

import pytest
from playwright.sync_api import expect
from vedette_archive import AuditQuery
from vedette_console.web.deeds import Deeds
from vedette_console.web.roles import Role

from tests.console.web.site import ConsoleSite
from tests.console.web.test_api import ask

pytestmark = pytest.mark.system


def test_an_admin_makes_an_account_and_its_owner_signs_in_with_it(site: ConsoleSite) -> None:
    page = site.person(Role.ADMIN).go("/settings")
    form = page.get_by_role("form", name="A new account")
    form.get_by_label("New account").fill("erika")
    form.get_by_label("Role").select_option("responder")
    form.get_by_role("button").click()
    password = page.locator(".secret").inner_text()
    other = site.person(None).go("/sign-in")
    other.get_by_label("Name").fill("erika")
    other.get_by_label("Password").fill(password)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.goto("/settings")
    expect(page.locator(".secret")).to_have_count(0)
    page.get_by_label("Role of erika").select_option("viewer")
    page.get_by_role("row", name="erika").get_by_role("button", name="Give").click()
    expect(page.locator(".note.good")).to_contain_text("erika is viewer")
    page.get_by_role("row", name="erika").get_by_role("button", name="Reset password").click()
    assert page.locator(".secret").inner_text() != password
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("row", name="erika").get_by_role("button", name="Remove").click()
    expect(page.locator(".note.good")).to_contain_text("erika is removed")
    assert site.accounts.account("erika") is None
    noted = Deeds(site.store).rows(AuditQuery(about="erika"), 10)
    assert [(each.who, each.what) for each in noted] == [
        ("a-admin", f"account.{what}") for what in ("remove", "reset", "role", "add")
    ]
    assert not [each for each in noted if password in each.words]


def test_a_token_is_shown_once_works_and_is_removed(site: ConsoleSite) -> None:
    page = site.person(Role.ADMIN).go("/settings")
    form = page.get_by_role("form", name="A new token")
    form.get_by_label("New token").fill("watcher")
    form.get_by_label("Days").fill("7")
    form.get_by_role("button").click()
    secret = page.locator(".secret").inner_text()
    assert ask(site, "/hosts", secret)[0] == 200
    listed = page.get_by_role("row", name=re.compile("watcher"))
    expect(listed).to_contain_text("a-admin")
    listed.get_by_role("button").click()
    expect(page.locator(".note.good")).to_contain_text("good for nothing")
    assert ask(site, "/hosts", secret)[0] == 401


def test_what_is_refused_is_said(site: ConsoleSite) -> None:
    site.account("a-viewer", Role.VIEWER)
    page = site.person(Role.ADMIN).go("/settings")
    form = page.get_by_role("form", name="A new account")
    form.get_by_label("New account").fill("a-viewer")
    form.get_by_role("button").click()
    expect(page.locator(".note.bad")).to_contain_text("already")
    for box in ("read", "act"):
        page.get_by_label(box, exact=True).uncheck()
    page.get_by_role("textbox", name="New token").fill("useless")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator(".note.bad")).to_contain_text("good for something")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER])
def test_only_an_admin_keeps_accounts(site: ConsoleSite, role: Role) -> None:
    page = site.person(role).go("/settings")
    expect(page.get_by_role("heading", name="What the analyzer runs with")).to_be_visible()
    expect(page.locator("dd", has_text="approve").first).to_be_visible()
    where = page.locator(".hint", has_text=str(site.deployment.settings_path("analyzer")))
    expect(where).to_contain_text("[analyzer] in the file of its --settings")
    expect(page.get_by_role("heading", name="Who may sign in")).to_have_count(0)
    for path in ("accounts/add", "accounts/a-viewer/remove", "tokens/add", "accounts/a-viewer/role"):
        page.goto("/settings")
        page.locator("#act").evaluate(
            "(form, path) => { form.action = `/settings/${path}`; form.submit() }", path
        )
        expect(page.locator(".note.bad")).to_contain_text(f"Your role, {role}, may not do that")
