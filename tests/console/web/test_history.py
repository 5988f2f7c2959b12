"""History in a real browser: what is searched, by whom, a page at a time; hostile text does no harm."""

import csv
import json
import re
import zipfile

import pytest
from playwright.sync_api import Page, expect
from vedette_archive import AuditQuery
from vedette_console.web.deeds import Deeds
from vedette_console.web.roles import Role

from tests.console.web.site import ConsoleSite

pytestmark = pytest.mark.system

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp.exe a\x00b </script><b>" + "x" * 3_000


@pytest.fixture(scope="module", autouse=True)
def _filled(shared_site: ConsoleSite) -> None:
    """Have the archive hold what is looked for."""
    acting = shared_site.acting
    for number in range(120):
        acting.copy(f"needle number {number}")
    acting.copy(HOSTILE)
    acting.copy("in GRÜSSE a quiet phrase")
    acting.alert(lambda alert: alert.severity == "low" and alert.origin is not None)
    acting.copy("the last of all, a loud phrase")
    acting.alert(lambda alert: alert.severity == "critical" and alert.origin is not None)


def rows(page: Page) -> list[str]:
    return page.locator(".alerts > li summary").all_inner_texts()


def test_alerts_are_found_by_what_the_address_asks_for(site: ConsoleSite) -> None:
    page = site.person(Role.VIEWER).go("/history")
    page.get_by_label("Text").fill("QUIET phr")
    page.get_by_label("low").check()
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/history?*text=QUIET+phr*severity=low*")
    assert rows(page)
    assert all("a quiet phrase" in row for row in rows(page))
    expect(page.locator(".chart.drawn canvas")).to_be_visible()
    page.goto("/history?host=nobody")
    expect(page.locator("#no-alerts")).to_contain_text("Nothing fits")


def test_all_that_was_seen_is_found_a_page_at_a_time(site: ConsoleSite) -> None:
    page = site.person(Role.RESPONDER).go("/history?events=observations&text=needle+number")
    first = rows(page)
    assert (len(first), first[0], first[-1]) == (100, "needle number 119", "needle number 20")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("heading", name="Older")).to_be_visible()
    assert rows(page) == [f"needle number {number}" for number in reversed(range(20))]
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.goto("/history?events=observations&text=grüsse")
    assert len(rows(page)) == 1


def test_a_search_is_sent_as_a_file_of_all_that_fits(site: ConsoleSite) -> None:
    person = site.person(Role.RESPONDER)
    page = person.go("/history?events=observations&text=needle+number")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert re.fullmatch(r"vedette-observations-\w+\.csv", download.value.suggested_filename)
    table = [*csv.DictReader(download.value.path().read_text("utf-8").splitlines())]
    assert [row["text"] for row in table] == [f"needle number {number}" for number in reversed(range(120))]
    answer = person.page.request.get("/history/export.jsonl?text=quiet+phrase&severity=low")
    assert {json.loads(line)["severity"] for line in answer.text().splitlines()} == {"low"}
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    with zipfile.ZipFile(download.value.path()) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 121
    assert "needle number 119" in sheet
    noted = Deeds(site.store).rows(AuditQuery(what="history.export"), 3)
    assert [row.words for row in noted] == [
        "xlsx: events=observations text=needle number",
        "jsonl: severity=low text=quiet phrase",
        "csv: events=observations text=needle number",
    ]
    page.goto("/history/export.exe")
    expect(page.locator(".note.bad")).to_contain_text("csv, jsonl or xlsx")
    refused = site.person(Role.VIEWER).page.request.get("/history/export.csv")
    assert refused.status == 403


def test_what_people_copied_is_not_for_every_role(site: ConsoleSite) -> None:
    page = site.person(Role.VIEWER).go("/history")
    expect(page.get_by_label("Search in")).to_have_count(0)
    page.goto("/history?events=observations")
    expect(page.locator(".note.bad")).to_contain_text("may not see what people copied")


def test_hostile_text_is_shown_and_does_nothing(site: ConsoleSite) -> None:
    page = site.person(Role.ADMIN, viewport={"width": 380, "height": 700}).go(
        "/history?events=observations&text=onerror"
    )
    seen = page.locator(".seen").first
    expect(seen).to_contain_text("<img src=x onerror=alert(1)>")
    expect(seen.locator(".odd").first).to_have_text("U+202E")
    seen.locator("summary").press("Enter")
    expect(seen.locator("dd").first).to_contain_text("x" * 3_000)
    expect(page.locator("main img")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == 380


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("since=2026-01-02&until=2026-01-01", "since must lie before until"),
        ("since=yesterday", "since"),
        ("colour=red", "no 'colour' to search by"),
        ("after=nowhere", "not a place"),
        ("events=observations&severity=low", "severity belongs to alerts"),
        ("until=0001-01-01T00:00", ""),
        ("since=9999-12-31T23:59", ""),
    ],
)
def test_an_address_that_makes_no_sense_is_answered_in_words(
    site: ConsoleSite, address: str, says: str
) -> None:
    page = site.person(Role.ADMIN).go(f"/history?{address}")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    if says:
        expect(page.get_by_role("alert")).to_contain_text(says)
