"""Indicators in a real browser: what is in force, what hits, and adding a row after a look at the past."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect
from vedette_archive import AuditQuery
from vedette_console.web.analyzer_settings import read_analyzer
from vedette_console.web.deeds import Deeds
from vedette_console.web.lists import Lists
from vedette_console.web.roles import Role
from vedette_indicators import IndicatorType
from vedette_indicators.asking import asked_for

from tests.console.web.site import ConsoleSite
from tests.e2e.product import write_list


@pytest.mark.system
def test_an_expression_is_explained_and_what_it_hits_is_shown(site: ConsoleSite) -> None:
    page = site.person(Role.VIEWER).go("/indicators")
    page.get_by_label("A URL, host").fill("http://www.evil-19.example/a?b=1")
    page.get_by_role("button", name="Look up").click()
    hits = page.get_by_role("region", name="What hits")
    expect(hits).to_contain_text("host evil-19.example")
    lines = site.deployment.lists[0].read_text().splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "evil-19.example" in line)
    expect(hits).to_contain_text(f"list.csv:{number}")
    page.get_by_text("What is looked up").click()
    expect(page.locator("dd", has_text="www.evil-19.example/a?b=1").first).to_be_visible()
    page.goto("/indicators?q=nothing+of+the+kind")
    expect(page.get_by_text("Nothing that is in force hits that.")).to_be_visible()


def test_a_list_is_read_when_it_has_changed_however_large(tmp_path: Path) -> None:
    small = write_list(tmp_path / "small.csv", "host,a.example,alert,low,,,,")
    large = write_list(tmp_path / "large.csv", *(f"host,h{n}.example,alert,low,,,," for n in range(12_000)))
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    write_list(feeds / "feed.csv", "phrase,of a feed,alert,low,,,,")
    settings = tmp_path / "analyzer.toml"
    settings.write_text('lists = ["small.csv", "large.csv", "gone.csv"]\narchive = "archive.db"\n')
    lists, runs = Lists(), read_analyzer(settings)
    found = lists.in_force(runs)
    assert [(each.name, each.entries, each.is_feed) for each in found.lists] == [
        ("small.csv", 1, False),
        ("large.csv", 12_000, False),
        ("gone.csv", 0, False),
        ("feed.csv", 1, True),
    ]
    assert found.lists[2].trouble == "No such file or directory"
    today = datetime.now(UTC).date()
    assert found.table.host("h11999.example", on=today)
    (same,) = found.same(asked_for("H11999.example", IndicatorType.HOST)[0])
    assert (same.list, same.line) == ("large.csv", 12_001)
    assert not found.same(asked_for("www.h11999.example", IndicatorType.HOST)[0]), "it is hit, and is none"
    large.write_text("no header\n" * 40_000)
    write_list(small, "host,b.example,alert,low,,,,")
    found = lists.in_force(runs)
    assert "the first row has to be type,value" in found.lists[1].trouble
    assert found.table.host("b.example", on=today)
    assert not found.table.host("a.example", on=today)


@pytest.mark.system
def test_lists_in_force_are_told_with_what_is_wrong_in_them(site: ConsoleSite) -> None:
    path = site.deployment.lists[0]
    before = path.read_text()
    path.write_text(before + "host,no host at all,alert,,,,,\n")
    page = site.person(Role.VIEWER).go("/indicators")
    listed = page.locator(".lists > li")
    expect(listed).to_contain_text(f"list.csv {len(before.splitlines()) - 1} entries")
    listed.locator("summary", has_text="1 line can't be used").click()
    expect(listed).to_contain_text(f"line {len(before.splitlines()) + 1}")
    path.write_text(before)
    page.reload()
    expect(page.get_by_text("can't be used")).to_have_count(0)


@pytest.mark.system
def test_a_row_is_added_after_a_look_at_what_it_would_have_hit(site: ConsoleSite) -> None:
    site.acting.copy("a rare <i>phrase</i>, twice: a rare <i>phrase</i>")
    site.acting.copy("a quiet phrase comes later")
    site.acting.alert(lambda alert: alert.severity == "low")
    page = site.person(Role.ADMIN).go("/indicators?q=a+rare+<i>phrase</i>")
    page.get_by_role("link", name="What would it hit").click()
    page.get_by_label("Severity").select_option("high")
    page.get_by_label("Comment").fill('says "so", they')
    page.get_by_role("button", name="What would it have hit?").click()
    expect(page.get_by_text("It would have hit")).to_contain_text("1 observation on 1 host")
    page.get_by_role("button", name="Add it to list.csv").click()
    expect(page.locator(".note.good")).to_contain_text("stands in list.csv, line ")
    *before, line = site.deployment.lists[0].read_text().splitlines()
    expect(page.locator(".note.good")).to_contain_text(f"line {len(before) + 1};")
    assert line == 'phrase,a rare <i>phrase</i>,alert,high,,console/a-admin,,"says ""so"", they"'
    later = site.acting.alert(lambda alert: alert.match is not None and "a rare" in alert.match.value)
    assert later.found_later is not None, "the analyzer has taken the row up, and looked back"
    page.goto("/alerts?text=a+rare")
    told = page.locator(f"#alert-{later.id}")
    expect(told).to_contain_text("found later")
    told.locator("summary").click()
    expect(told.locator("dd", has_text="before its entry was listed")).to_contain_text("once, ")
    noted = Deeds(site.store).rows(AuditQuery(what="list.add"), 1)[0]
    assert (noted.who, noted.words) == ("a-admin", f"{site.deployment.lists[0]}: {line}")
    page.goto("/indicators/add?type=phrase&value=a+rare+<i>phrase</i>&action=alert&severity=high")
    expect(page.get_by_text(f"It is on a list already: list.csv:{len(before) + 1} asks for")).to_be_visible()
    page.get_by_role("button", name="Add it to list.csv").click()
    expect(page.get_by_role("alert")).to_contain_text(f"says the same as line {len(before) + 1}")


@pytest.mark.system
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("type=host&value=com&action=block", "a single label"),
        ("type=phrase&value=a%0Ahost,b.example&action=alert", "one line"),
        ("type=hash&value=" + "ab" * 32 + "&action=block", "block means nothing for a hash"),
        ("type=ip&value=not-one&action=alert", "address"),
        ("type=host&value=" + "x" * 5000, "longer"),
    ],
)
def test_a_row_that_would_not_serve_is_refused_in_words(site: ConsoleSite, row: str, says: str) -> None:
    page = site.person(Role.ADMIN).go(f"/indicators/add?{row}")
    expect(page.get_by_role("alert")).to_contain_text(says)
    expect(page.get_by_role("button", name="Add it")).to_have_count(0)


@pytest.mark.system
def test_only_an_admin_adds_and_a_viewer_does_not_look_at_the_past(site: ConsoleSite) -> None:
    before = site.deployment.lists[0].read_text()
    page = site.person(Role.RESPONDER).go("/indicators/add?type=host&value=new.example&action=alert")
    expect(page.get_by_text("An admin can add it")).to_be_visible()
    page.locator("#act").evaluate("form => { form.action = '/indicators/add'; form.submit() }")
    expect(page.locator(".note.bad")).to_contain_text("Your role, responder, may not do that")
    page = site.person(Role.VIEWER).go("/indicators/add?value=new.example")
    expect(page.locator(".note.bad")).to_contain_text("Your role, viewer, may not do that")
    assert site.deployment.lists[0].read_text() == before
