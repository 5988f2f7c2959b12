"""Reports in a real browser: hosts by hour, and what is known of a host on paper."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from vedette_archive import Count
from vedette_console.web.pages.heat import SPANS, began, lines
from vedette_console.web.roles import Role
from vedette_schemas import Severity

from tests.console.web.site import ConsoleSite

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def counted(hour: int, host: str, severity: Severity, alerts: int) -> Count:
    return Count(NOON + timedelta(hours=hour), severity, alerts, host)


def test_cells_hold_some_hours_and_the_gravest_of_them() -> None:
    found = lines(
        [
            counted(0, "a", Severity.LOW, 2),
            counted(5, "a", Severity.HIGH, 1),
            counted(6, "b", Severity.INFO, 40),
        ],
        NOON,
        24,
        6,
    )
    assert [(line.host, line.alerts) for line in found] == [("b", 40), ("a", 3)]
    b, a = ([(cell.alerts, cell.worst, cell.level) for cell in line.cells] for line in found)
    nothing = (0, Severity.INFO, 0)
    assert a == [(3, Severity.HIGH, 2), nothing, nothing, nothing]
    assert b == [nothing, (40, Severity.INFO, 4), nothing, nothing]


@pytest.mark.parametrize("hour", [0, 5, 6, 23])
@pytest.mark.parametrize(("span", "step"), SPANS.items())
def test_the_last_cell_holds_now_and_a_day_begins_with_a_cell(hour: int, span: int, step: int) -> None:
    now = NOON.replace(hour=hour, minute=59)
    since = began(now, span, step)
    assert since + timedelta(hours=span - step) <= now < since + timedelta(hours=span)
    assert since.hour % step == since.minute == 0


@pytest.mark.system
def test_a_cell_leads_to_its_alerts(site: ConsoleSite) -> None:
    site.acting.copy("by the hour: a loud phrase")
    site.acting.alert(lambda alert: alert.severity == "critical" and alert.origin is not None)
    page = site.person(Role.VIEWER).go("/history/hours")
    row = page.get_by_role("row", name="host-7")
    expect(row.locator("td")).to_have_count(25)
    row.locator("a.cell").last.click()
    expect(page.locator(".alerts > li").first).to_contain_text("host-7")
    page.goto("/history/hours?hours=720")
    expect(page.get_by_role("row", name="host-7").locator("td")).to_have_count(31)
    page.goto("/history/hours?hours=5")
    expect(page.get_by_role("heading", name="Alerts of the last day")).to_be_visible()


@pytest.mark.system
@pytest.mark.parametrize("hours", [24, 168, 720])
def test_on_a_small_screen_the_newest_hours_are_in_sight(site: ConsoleSite, hours: int) -> None:
    small = {"width": 380, "height": 800}
    page = site.person(Role.VIEWER, viewport=small).go(f"/history/hours?hours={hours}")
    row = page.get_by_role("row", name="host-7")
    expect(row.locator("a.cell").last).to_be_in_viewport(ratio=1)
    expect(row.get_by_role("link", name="host-7", exact=True)).to_be_in_viewport(ratio=1)
    expect(row.locator("td").first).not_to_be_in_viewport()


@pytest.mark.system
def test_a_report_of_a_host_prints_without_what_is_for_the_screen(site: ConsoleSite) -> None:
    site.acting.copy("on paper: a loud phrase")
    site.acting.alert(lambda alert: alert.severity == "critical" and alert.origin is not None)
    page = site.person(Role.VIEWER, color_scheme="dark").go("/hosts/host-7/report?days=1")
    expect(page.get_by_role("region", name="Alerts", exact=True).last).to_contain_text("a loud phrase")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("link", name="This host now")).to_be_hidden()
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == "rgb(255, 255, 255)", "no dark paper"
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.goto("/hosts/nobody/report")
    expect(page.locator(".note.bad")).to_contain_text("no such page")
