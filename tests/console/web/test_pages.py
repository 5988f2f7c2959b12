"""Pages in a real browser: signing in, what is new as it happens, approving, undoing, a restart."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from vedette_archive import Reader
from vedette_console.web.roles import Role
from vedette_schemas import OutcomeStatus

from tests.console.web.pictures import AGE, LIFE, certify, see
from tests.console.web.site import PASSWORD, ConsoleSite

pytestmark = pytest.mark.system


def waiting(site: ConsoleSite, number: int) -> str:
    """Have a block wait for approval; return what is to be blocked."""
    name = f"evil-{number}.example"
    site.acting.copy(f"see http://{name}/ for more")
    site.acting.alert(lambda alert: alert.match is not None and alert.match.value == name)
    return name


def test_somebody_signs_in_and_out(site: ConsoleSite) -> None:
    name = site.account("anna", Role.VIEWER)
    person = site.person(None)
    page = person.go("/actions")
    expect(page).to_have_url(re.compile(r"/sign-in\?back=%2Factions$"))
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Actions")).to_be_visible()
    page.locator("summary", has_text="anna").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/actions")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_one_time_password_has_to_be_replaced(site: ConsoleSite) -> None:
    site.account("an-admin", Role.ADMIN)
    once = site.accounts.reset("an-admin", site.accounts.everyone()[0].made_at)
    page = site.person(None).go("/sign-in")
    page.get_by_label("Name").fill("an-admin")
    page.get_by_label("Password").fill(once)
    page.get_by_role("button", name="Sign in").click()
    for wrong, says in (("short", "12 to 200"), (once, "is the old one")):
        page.goto("/hosts")
        expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
        page.get_by_label("The password that you signed in with").fill(once)
        page.locator("[name=new]").evaluate("field => field.removeAttribute('minlength')")
        page.locator("[name=new]").fill(wrong)
        page.locator("[name=again]").fill(wrong)
        page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("alert")).to_contain_text(says)
    page.get_by_label("The password that you signed in with").fill(once)
    page.locator("[name=new]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("heading", name="Now")).to_be_visible()
    page.goto("/password")
    expect(page.get_by_label("Present password")).to_be_visible()


def test_who_guesses_is_locked_out_and_so_is_who_does_not_exist(site: ConsoleSite) -> None:
    name = site.account("ben", Role.VIEWER)
    for each in (name, "nobody-here"):
        page = site.person(None).go("/sign-in")
        for _ in range(5):
            page.get_by_label("Name").fill(each)
            page.get_by_label("Password").fill("a wrong password")
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("Too many attempts. Try again in 1")


def test_an_alert_is_on_the_page_as_it_happens(site: ConsoleSite) -> None:
    person = site.person(Role.VIEWER)
    page = person.go("/")
    person.is_live()
    site.acting.copy("this has a quiet phrase in it")
    alert = site.acting.alert(lambda alert: alert.match is not None and alert.match.type == "phrase")
    row = page.locator(f"#alert-{alert.id}")
    expect(row).to_be_visible()
    expect(row).to_contain_text("a quiet phrase")


def test_a_responder_approves_and_undoes(site: ConsoleSite) -> None:
    person = site.person(Role.RESPONDER)
    page = person.go("/")
    person.is_live()
    name = waiting(site, 1)
    order = page.locator(".orders li", has_text=name)
    order.get_by_role("button", name="Approve").click()
    expect(page.locator(".note.good")).to_contain_text("block is done")
    command = site.enforcer.taken.get(timeout=10)
    assert command.order.action == "block"
    page.goto("/actions")
    held = page.locator("section", has=page.get_by_role("heading", name="In force")).locator(
        "li", has_text=name
    )
    expect(held).to_contain_text("console@main/a-responder")
    held.get_by_role("button", name="Undo").click()
    expect(page.locator(".note.good")).to_contain_text("undo is done")
    assert site.enforcer.taken.get(timeout=10).order.action == "undo"


def test_what_is_declined_is_not_done(site: ConsoleSite) -> None:
    name = waiting(site, 2)
    page = site.person(Role.RESPONDER).go("/")
    page.locator(".orders li", has_text=name).get_by_role("button", name="Decline").click()
    expect(page.locator(".note.good")).to_contain_text("will not block")
    assert site.enforcer.taken.empty()
    page.goto("/actions")
    row = page.get_by_role("region", name="What was ordered").locator("tr", has_text=name)
    expect(row.locator("td").nth(3)).to_have_text(
        re.compile("^declined *console@main/a-responder declined it$")
    )


def test_what_a_host_refuses_is_listed_with_its_reason(site: ConsoleSite) -> None:
    before = site.enforcer.answer
    site.enforcer.answer = OutcomeStatus.REFUSED, "blocked.example is <protected> here"
    try:
        page = site.person(Role.RESPONDER).go("/hosts/host-7")
        page.get_by_label("Block a URL").fill("blocked.example")
        page.get_by_role("button", name="Block").click()
        expect(page.locator(".note.bad")).to_contain_text("blocked.example is <protected> here")
    finally:
        site.enforcer.answer = before
        site.enforcer.taken.get(timeout=10)
    page.goto("/actions")
    row = page.get_by_role("region", name="What was ordered").locator("tr", has_text="block blocked.example")
    expect(row.locator("td").nth(3)).to_have_text(
        re.compile("^refused *blocked.example is <protected> here$")
    )


def test_a_viewer_sees_what_waits_and_can_do_nothing_about_it(site: ConsoleSite) -> None:
    name = waiting(site, 3)
    page = site.person(Role.VIEWER).go("/")
    expect(page.locator(".orders li", has_text=name)).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.locator("#act").evaluate(
        "form => { form.action = `/actions/${crypto.randomUUID()}/undo`; form.submit() }"
    )
    expect(page.locator(".note.bad")).to_contain_text("Your role, viewer, may not do that")


def test_a_page_goes_on_where_it_was_after_the_server_was_restarted(site: ConsoleSite) -> None:
    person = site.person(Role.VIEWER)
    page = person.go("/")
    person.is_live()
    assert site.stop() < 5
    expect(page.locator("#live.off")).to_be_visible()
    site.acting.copy("nobody looks at a loud phrase")
    alert = site.acting.alert(lambda alert: alert.severity == "critical")
    site.start()
    expect(page.locator(f"#alert-{alert.id}")).to_be_visible()
    person.is_live()


def test_a_host_shows_its_certificate_and_to_some_its_windows(site: ConsoleSite) -> None:
    now = datetime.now(UTC)
    certify(site, now, "host-7")
    see(site, now, "host-7")
    site.acting.copy("seen after them: a quiet phrase")
    site.acting.alert(lambda alert: alert.severity == "low")
    page = site.person(Role.RESPONDER).go("/hosts/host-7")
    windows = page.get_by_role("region", name="Windows")
    expect(windows.locator(".seen").first).to_contain_text("Quarterly figures.ods")
    expect(page.locator("dt:text('Certificate') + dd")).to_have_text(f"until {now + LIFE - AGE:%Y-%m-%d}")
    expect(page.locator("dt:text('Mode') + dd")).to_have_text("approve")
    windows.get_by_role("link", name="All of its windows").click()
    expect(page.locator(".seen", has_text="Inbox (3) - Mail")).to_be_visible()
    expect(page.locator(".seen", has_not_text="window")).to_have_count(0)
    page = site.person(Role.VIEWER).go("/hosts/host-7")
    expect(page.get_by_role("heading", name="Actions")).to_be_visible()
    expect(page.get_by_text("Quarterly figures")).to_have_count(0)


def test_who_loses_the_account_is_sent_away(site: ConsoleSite) -> None:
    site.account("carl", Role.VIEWER)
    person = site.person(Role.VIEWER)
    page = person.go("/")
    for each in site.accounts.everyone():
        if each.name == "a-viewer":
            site.accounts.remove(each.name)
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_alerts_are_looked_for_by_the_address(site: ConsoleSite) -> None:
    site.acting.copy("to be found: a quiet phrase")
    alert = site.acting.alert(lambda alert: alert.severity == "low")
    page = site.person(Role.VIEWER).go("/alerts")
    page.get_by_label("Text").fill("QUIET")
    page.get_by_role("checkbox", name="low").check()
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"text=QUIET.*severity=low"))
    expect(page.locator(f"#alert-{alert.id}")).to_be_visible()
    page.goto("/alerts?text=nothing%20has%20this")
    expect(page.locator("#no-alerts")).to_contain_text("Nothing fits")
    page.goto("/alerts?since=yesterday")
    expect(page.get_by_role("alert")).to_contain_text("since")


def test_several_alerts_are_acknowledged_and_suppressed_at_once(site: ConsoleSite) -> None:
    for number in (10, 11):
        waiting(site, number)
    page = site.person(Role.RESPONDER).go("/alerts?severity=high")
    for number in (10, 11):
        row = page.locator("#alerts > li", has_text=f"evil-{number}.example")
        row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".note.good")).to_contain_text("acknowledged")
    with Reader(site.acting.folder / "archive.db") as reader:
        owners = {each.owner for each in reader.incidents.page().incidents}
    assert "a-responder" in owners

    page.locator("#alerts > li", has_text="evil-10.example").get_by_role("checkbox").check()
    page.locator("summary", has_text="Suppress").click()
    page.get_by_role("button", name="Suppress").click()
    expect(page.locator(".note.bad")).to_contain_text("the reason has to be")
    page.locator("#alerts > li", has_text="evil-10.example").get_by_role("checkbox").check()
    page.locator("summary", has_text="Suppress").click()
    page.get_by_label("Why").fill("an exercise")
    page.get_by_role("button", name="Suppress").click()
    expect(page.locator(".note.good")).to_be_visible()
    with Reader(site.acting.folder / "archive.db") as reader:
        (one,) = (each for each in reader.suppressed.newest(100) if each.reason == "an exercise")
    assert one.author == "console@main/a-responder"


def test_what_can_not_be_meant_is_said_in_words(site: ConsoleSite) -> None:
    page = site.person(Role.RESPONDER).go("/hosts/host-7")
    page.get_by_label("Block a URL").fill("a b c")
    page.get_by_role("button", name="Block").click()
    expect(page.locator(".note.bad")).to_contain_text("names no URL")
    page.goto("/alerts")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".note.bad")).to_contain_text("Choose alerts")
    expect(page.locator(".note")).to_have_count(1)
    page.reload()
    expect(page.locator(".note")).to_have_count(0)
