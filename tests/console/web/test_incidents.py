"""Incidents in a real browser: what belongs together, its timeline, and who deals with it."""

import pytest
from playwright.sync_api import Page, expect
from vedette_archive import AuditQuery, Incident, Reader
from vedette_console.web.roles import Role

from tests.console.web.site import ConsoleSite
from tests.console.web.test_every_page import complaints
from tests.console.web.test_hostile import HOSTILE, width

pytestmark = pytest.mark.system


@pytest.fixture
def incident(site: ConsoleSite) -> Incident:
    """One that holds a copied text and its alert."""
    site.acting.copy("somebody copied <b>a loud phrase</b>")
    told = site.acting.alert(lambda alert: alert.severity == "critical" and alert.origin is not None)
    with Reader(site.deployment.archive) as reader:
        return reader.incidents.of_alerts([told.id])[told.id]


def now(site: ConsoleSite, incident: Incident) -> Incident:
    with Reader(site.deployment.archive) as reader:
        found = reader.incidents.get(incident.id)
    assert found is not None
    return found


def badge(page: Page) -> str:
    return page.locator("dd .verb").inner_text()


def test_what_belongs_together_is_shown_in_its_order(site: ConsoleSite, incident: Incident) -> None:
    page = site.person(Role.RESPONDER).go("/incidents?status=all&order=newest")
    page.locator(f".incident a[href$='{incident.id}']").click()
    moments = page.locator(".moments li")
    expect(moments.filter(has_text="somebody copied <b>a loud phrase</b>").first).to_be_visible()
    expect(page.locator(".moments li.loud").filter(has_text="a loud phrase").first).to_be_visible()
    times = page.locator(".moments time").evaluate_all("all => all.map(each => each.dateTime)")
    assert times == sorted(times)


@pytest.mark.parametrize("where", ["/", "/alerts", "/hosts/host-7"])
def test_an_alert_leads_to_its_incident(site: ConsoleSite, incident: Incident, where: str) -> None:
    page = site.person(Role.VIEWER).go(where)
    row = page.locator("#alerts > li", has_text="a loud phrase").first
    row.locator("summary").press("Enter")
    row.get_by_role("link", name="The incident that it belongs to").click()
    expect(page).to_have_url(f"{site.base}/incidents/{incident.id}")


def test_an_alert_that_opens_no_incident_says_so(site: ConsoleSite) -> None:
    page = site.person(Role.RESPONDER).go("/hosts/host-7")
    page.get_by_role("button", name="Isolate this host").click()
    expect(page.locator(".note.good")).to_contain_text("isolate is done")
    site.enforcer.taken.get(timeout=10)
    told = site.acting.alert(lambda alert: alert.severity == "info" and alert.command_id is not None)
    page.goto(f"/alerts/{told.id}/incident")
    expect(page.get_by_role("heading", name="This alert belongs to no incident")).to_be_visible()
    expect(page.locator(f"#alert-{told.id}")).to_be_visible()
    assert complaints(page) == []
    page.goto("/alerts/00000000-0000-0000-0000-000000000000/incident")
    expect(page.locator(".note.bad")).to_contain_text("no such page")


def test_a_responder_takes_acknowledges_and_resolves(site: ConsoleSite, incident: Incident) -> None:
    page = site.person(Role.RESPONDER).go(f"/incidents/{incident.id}")
    page.get_by_role("button", name="Take").click()
    expect(page.locator(".note.good")).to_contain_text("owner a-responder")
    page.get_by_label("Note").fill("it was <i>me</i>")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".note.good")).to_contain_text("acknowledged")
    assert (badge(page), now(site, incident).owner) == ("acknowledged", "a-responder")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".note.good")).to_contain_text("resolved")
    assert badge(page) == "resolved"
    expect(page.locator(".moments li", has_text="it was <i>me</i>")).to_contain_text("/a-responder")
    with Reader(site.deployment.archive) as reader:
        noted = reader.audit.rows(AuditQuery(who="console@main/a-responder"), 20)
    assert [row for row in noted if "resolved" in row.words]


def test_several_are_dealt_with_at_once(site: ConsoleSite, incident: Incident) -> None:
    page = site.person(Role.ADMIN).go("/incidents?status=all")
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".note.bad")).to_have_text("Choose incidents first.")
    for box in page.get_by_label("Choose this incident").all():
        box.check()
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".note.good")).to_contain_text("open")
    assert now(site, incident).status == "open"
    expect(page.locator(".incident .verb").first).to_have_text("open")


def test_a_viewer_reads_but_says_nothing_and_does_not_see_what_was_copied(
    site: ConsoleSite, incident: Incident
) -> None:
    page = site.person(Role.VIEWER).go(f"/incidents/{incident.id}")
    expect(page.locator(".moments li.loud").first).to_be_visible()
    expect(page.get_by_text("somebody copied")).to_have_count(0)
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.locator("#act").evaluate(
        "(form, id) => { form.action = '/incidents/triage?say=resolved';"
        " form.innerHTML += `<input name=incident value=${id}>`; form.submit() }",
        str(incident.id),
    )
    expect(page.locator(".note.bad")).to_contain_text("Your role, viewer, may not do that")


def test_what_makes_no_sense_is_answered_in_words(site: ConsoleSite) -> None:
    page = site.person(Role.RESPONDER).page
    for address, says in (("status=grave", "status"), ("score=many", "score"), ("after=x", "after")):
        page.goto(f"/incidents?{address}")
        expect(page.get_by_role("alert")).to_contain_text(says)
    page.goto("/incidents/00000000-0000-0000-0000-000000000000")
    expect(page.locator(".note.bad")).to_contain_text("no such page")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_incident_of_hostile_text_is_readable_for_all(site: ConsoleSite, scheme: str) -> None:
    site.acting.copy(f"a loud phrase {HOSTILE}")
    told = site.acting.alert(lambda alert: alert.severity == "critical" and alert.origin is not None)
    with Reader(site.deployment.archive) as reader:
        name = reader.incidents.of_alerts([told.id])[told.id].id
    small = {"width": 380, "height": 800}
    page = site.person(Role.ADMIN, color_scheme=scheme, viewport=small).go(f"/incidents/{name}")
    expect(page.locator(".moments .odd", has_text="U+202E").first).to_be_visible()
    assert page.evaluate("window.pwned") is None
    expect(page.locator("main img, main script")).to_have_count(0)
    assert width(page) <= 380
    assert complaints(page) == []
