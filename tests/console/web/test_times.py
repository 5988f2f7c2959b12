"""Times in a real browser: shown and taken in the reader's zone, in UTC in addresses and without scripts."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from vedette_console.web.rendering import sentence
from vedette_console.web.roles import Role
from vedette_schemas import Alert

from tests.console.web.site import ConsoleSite
from tests.console.web.test_pages import waiting

pytestmark = pytest.mark.system

ZONE = "Asia/Kolkata"
"""Half an hour off all whole ones, and never off UTC by more or less."""

FIELD = "%Y-%m-%dT%H:%M"
PAGES = ("/alerts", "/history", "/audit")


@pytest.fixture
def told(site: ConsoleSite) -> Alert:
    site.acting.copy("when was that? a quiet phrase")
    return site.acting.alert(lambda alert: alert.severity == "low" and alert.origin is not None)


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_who_types_the_time_that_is_shown_finds_what_happened_then(site: ConsoleSite, told: Alert) -> None:
    page = site.person(Role.VIEWER, timezone_id=ZONE).go("/alerts")
    expect(page.locator("#zone")).to_have_text("Times are yours: Asia/Calcutta")
    here = told.at.astimezone(ZoneInfo(ZONE))
    expect(page.locator(f"#alert-{told.id} time").first).to_have_text(f"{here:%H:%M:%S}")
    page.get_by_label("From", exact=True).fill(f"{here:{FIELD}}")
    page.get_by_label("Until", exact=True).fill(f"{here + timedelta(minutes=1):{FIELD}}")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile("since="))
    expect(page.locator(f"#alert-{told.id}")).to_be_visible()
    assert asked(page)["since"] == [f"{told.at:%Y-%m-%dT%H:%M}:00Z"], (
        "whoever it is passed on to is elsewhere"
    )
    expect(page.get_by_label("From", exact=True)).to_have_value(f"{here:{FIELD}}")


def test_an_address_that_was_passed_on_is_kept_to_the_second(site: ConsoleSite) -> None:
    page = site.person(Role.ADMIN, timezone_id="Europe/Berlin").page
    for path in PAGES:
        page.goto(f"{path}?since=2025-10-26T01:30:07Z")  # the second 02:30 of that night
        expect(page.get_by_label("From", exact=True)).to_have_value("2025-10-26T02:30")
        page.get_by_label("Text").fill("phrase")
        page.get_by_role("button", name=re.compile("^(Search|Show)$")).click()
        page.wait_for_url(re.compile("text=phrase"))
        assert asked(page)["since"] == ["2025-10-26T01:30:07Z"]
        page.get_by_label("From", exact=True).fill("")
        page.get_by_role("button", name=re.compile("^(Search|Show)$")).click()
        page.wait_for_url(re.compile("since=&|since=$"))


def test_without_scripts_all_is_utc_and_says_so(site: ConsoleSite, told: Alert) -> None:
    page = site.person(Role.ADMIN, timezone_id=ZONE, java_script_enabled=False).page
    for path in PAGES:
        page.goto(f"{path}?since={told.at:%Y-%m-%dT%H:%M}:00Z")
        expect(page.locator("#zone")).to_have_text("Times are UTC.")
        expect(page.locator("#live")).to_have_text("This page is as of when it was loaded.")
        expect(page.get_by_label("From (UTC)")).to_have_value(f"{told.at:{FIELD}}")
    page.goto("/alerts")
    expect(page.locator(f"#alert-{told.id} time").first).to_have_text(f"{told.at:%m-%d %H:%M:%S}")


def test_hosts_by_hour_are_told_in_the_readers_hours(site: ConsoleSite, told: Alert) -> None:
    page = site.person(Role.VIEWER, timezone_id=ZONE).go("/history/hours")
    last = told.at.astimezone(ZoneInfo(ZONE)).replace(minute=30)
    heads = page.locator(".heat thead time")
    expect(heads).to_have_count(24)
    assert re.fullmatch(r"\d\d:30", heads.last.inner_text())
    assert {f"{last:%H:%M}", f"{last - timedelta(hours=1):%H:%M}"} & set(heads.all_inner_texts())
    page.goto("/history/hours?hours=168")
    expect(page.locator(".hint")).to_contain_text("days are those of UTC")


def test_moments_in_what_a_program_says_are_written_as_all_others() -> None:
    shown = sentence("blocked <b> until 2026-11-22T08:10:00Z; by")
    assert (
        '<time datetime="2026-11-22T08:10:00.000000Z" data-as="day">2026-11-22 08:10:00 UTC</time>' in shown
    )
    assert "blocked &lt;b&gt; until" in shown
    assert 'data-as="day">2026-11-22 08:10:00 UTC<' in sentence("isolated until 2026-11-22 08:10 UTC")
    assert '<time data-utc="08:10" data-as="minute">08:10 UTC</time>' in sentence("until 08:10 UTC: act")
    for odd in (
        "2026-99-22T08:10:00Z",
        "9999-12-31T23:59:60Z",
        "٢٠٢٦-11-22T08:10:00Z",
        "x2026-11-22T08:10:00Z",
    ):
        assert "<time" not in sentence(odd)
    assert "…" in sentence("x" * 1_001)
    assert len(sentence("x" * 5_000)) < 1_100


def test_until_when_something_waits_is_told_in_the_readers_hours(site: ConsoleSite) -> None:
    name = waiting(site, 18)
    page = site.person(Role.VIEWER, timezone_id=ZONE).go("/")
    alert = site.acting.alerts[-1]
    words, until, more = re.split(r"(\d\d:\d\d) UTC", alert.done)
    hour, minute = map(int, until.split(":"))
    here = alert.at.replace(hour=hour, minute=minute).astimezone(ZoneInfo(ZONE))
    done = page.locator("#alerts > li", has_text=name).locator("summary .done")
    expect(done).to_have_text(f"{words}{here:%H:%M}{more}")


def test_the_zone_of_who_lives_by_utc_is_utc(site: ConsoleSite) -> None:
    page = site.person(Role.VIEWER, timezone_id="UTC").go("/alerts?since=2026-01-01")
    expect(page.locator("#zone")).to_have_text("Times are UTC.")
    expect(page.get_by_label("From", exact=True)).to_have_value(f"{datetime(2026, 1, 1, tzinfo=UTC):{FIELD}}")
