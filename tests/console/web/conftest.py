"""One browser for all tests here, and one site of each kind."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from vedette_schemas import Mode

from tests.console.web.site import ConsoleSite, console_site

ROWS = (
    *(f"host,evil-{number}.example,block,high,,,," for number in range(1, 20)),
    "phrase,a quiet phrase,alert,low,,,,",
    "phrase,a loud phrase,alert,critical,,,,",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[ConsoleSite]:
    with console_site(tmp_path_factory.mktemp("console"), browser, Mode.APPROVE, *ROWS) as site:
        yield site


@pytest.fixture
def site(shared_site: ConsoleSite) -> Iterator[ConsoleSite]:
    """A console in approve mode; whoever looked at it leaves at the end."""
    yield shared_site
    shared_site.leave()
