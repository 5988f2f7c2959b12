"""What holds on every page: strict headers, nothing that axe finds serious, no page that is forgotten."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from vedette_console.web.pages.listed import PAGES as LISTED
from vedette_console.web.roles import Role

from tests.console.web.pages import PAGES
from tests.console.web.site import ConsoleSite

pytestmark = pytest.mark.system
AXE = Path(__file__).parents[3] / "console/web-src/node_modules/axe-core/axe.min.js"


def complaints(page: Page) -> list[str]:
    """Return what axe finds serious."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_every_page_of_the_navigation_is_tried() -> None:
    assert {page.path for page in LISTED if page.title} <= {path.partition("?")[0] for path in PAGES}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(site: ConsoleSite, path: str, scheme: str) -> None:
    page = site.person(Role.ADMIN, color_scheme=scheme).go(path)
    page.wait_for_load_state()
    assert complaints(page) == []


def test_axe_finds_nothing_serious_where_somebody_signs_in(site: ConsoleSite) -> None:
    assert complaints(site.person(None).go("/sign-in")) == []


@pytest.mark.parametrize(
    "path", [*PAGES, "/sign-in", "/static/vedette.css", "/health", "/api/v1/openapi.json"]
)
def test_strict_headers_come_with_every_answer(site: ConsoleSite, path: str) -> None:
    response = site.person(Role.ADMIN).page.request.get(path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; object-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in response.headers
    if not path.startswith("/static"):
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/alerts", "/history", "/incidents", "/audit", "/indicators/add"])
def test_fields_and_their_labels_line_up(site: ConsoleSite, path: str) -> None:
    page = site.person(Role.ADMIN, viewport={"width": 1200, "height": 860}).go(path)
    lines: dict[float, set[float]] = {}
    for label, field, height in page.locator(".fields.row > label").evaluate_all(
        "all => all.map(each => { const field = each.querySelector('input, select').getBoundingClientRect();"
        " return [each.getBoundingClientRect().top, field.top, field.height] })"
    ):
        lines.setdefault(label, set()).update((field, height))
    assert len(lines) <= 3, "as many lines as the form has"
    assert all(len(line) == 2 for line in lines.values()), lines


@pytest.mark.parametrize("path", PAGES)
def test_all_can_be_reached_with_the_keyboard(site: ConsoleSite, path: str) -> None:
    page = site.person(Role.ADMIN).go(path)
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className || document.activeElement.name")
    assert first in ("skip", "new"), "the first stop skips the navigation, or is the next field to fill in"
    if first == "skip":
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_a_page_of_another_site_can_do_nothing_here(site: ConsoleSite) -> None:
    person = site.person(Role.ADMIN)
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        response = person.page.request.post("/sign-out", form={"token": "x"}, headers=headers)
        assert response.status == 403
    response = person.page.request.post("/sign-out", form={"token": "x"}, headers={"Origin": site.base})
    assert response.status == 403, "without the token of a page of ours"
    expect(person.go("/").get_by_role("heading", name="Now", exact=True)).to_be_visible()


def test_another_name_of_this_machine_is_not_answered(site: ConsoleSite) -> None:
    person = site.person(None)
    for host in ("evil.example", f"evil.example:{site.port}", "127.0.0.1.evil.example"):
        response = person.page.request.get("/sign-in", headers={"Host": host})
        assert response.status == 421
        assert "--name NAME" in response.text()


def test_what_is_too_large_is_refused(site: ConsoleSite) -> None:
    body = "x" * 70_000
    response = site.person(Role.ADMIN).page.request.post(
        "/sign-out",
        data=body,
        headers={"Origin": site.base, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert response.status == 413


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/%00", "/static/built"]
)
def test_no_other_file_is_served(site: ConsoleSite, path: str) -> None:
    assert site.person(None).page.request.get(path).status == 404


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"]
)
def test_who_signs_in_is_sent_nowhere_else(site: ConsoleSite, back: str) -> None:
    page = site.person(None).page
    page.goto(f"/sign-in?back={back}")
    assert page.locator("[name=back]").input_value() == "/"
