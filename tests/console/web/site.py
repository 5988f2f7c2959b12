"""The console as it runs: CA, broker, analyzer, an enforcer that only answers; and people with browsers."""

import dataclasses
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from vedette_console.overlay import Overlay
from vedette_console.web.accounts import Accounts
from vedette_console.web.roles import Role
from vedette_console.web.sessions import Sessions
from vedette_console.web.store import Store
from vedette_console.web.visits import SESSION
from vedette_schemas import Mode
from vedette_transport.settings import Address

from tests import brokers
from tests.e2e.acting_site import ActingSite, FakeEnforcer, acting_site
from tests.e2e.product import WAIT

PASSWORD = "correct horse battery staple"
PATIENCE_MS = 10_000


class Person:
    """Somebody who looks at the console; what their browser asks for and complains of is written down."""

    def __init__(self, browser: Browser, base: str, secret: str | None, **options: Any) -> None:
        self.base = base
        self.context: BrowserContext = browser.new_context(base_url=base, **options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        if secret is not None:
            self.context.add_cookies(
                [
                    {
                        "name": SESSION,
                        "value": secret,
                        "url": base.replace("http:", "https:"),
                        "secure": True,
                        "httpOnly": True,
                    }
                ]
            )
        self.context.on("request", self._asked)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def is_live(self) -> None:
        """Wait until the page is kept current."""
        self.page.wait_for_selector("#live.on")

    def close(self) -> None:
        """End; fail where another host was asked, or the browser complained."""
        self.context.close()
        others = {url for url in self.asked if urlsplit(url).netloc != urlsplit(self.base).netloc}
        assert not others, f"other hosts were asked: {others}"
        assert not self.complaints, self.complaints

    def _asked(self, request: Request) -> None:
        self.asked.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # That a page was answered with 403 or an event stream broke off is what a test may be about.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)


class ConsoleSite:
    """What a test drives."""

    def __init__(self, acting: ActingSite, enforcer: FakeEnforcer, browser: Browser) -> None:
        self.acting, self.enforcer, self._browser = acting, enforcer, browser
        self.port = brokers.free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.deployment = dataclasses.replace(
            acting.deployment,
            console=Address(host="127.0.0.1", port=self.port),
            overlay=Overlay(tables={"console": {"list": str(acting.deployment.lists[0])}}),
        )
        self.deployment.prepare()
        self._process: subprocess.Popen[bytes] | None = None
        self.store = Store(self.deployment.console_folder)
        self.accounts, self.sessions = Accounts(self.store), Sessions(self.store)
        self._people: list[Person] = []

    def start(self) -> None:
        """Start the console and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.deployment.command("console"), stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.base}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)  # until its socket is there, there is nothing to wait on
        raise AssertionError(f"no console: {self.log.read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End the console; return the seconds that it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(how)
        self._process.wait(WAIT)
        return time.monotonic() - began

    @property
    def log(self) -> Path:
        return self.acting.folder / "console.log"

    def account(self, name: str, role: Role) -> str:
        """Make an account that has chosen its password, unless it is there; return its name."""
        if self.accounts.account(name) is None:
            self.accounts.add(name, role, datetime.now(UTC))
            self.accounts.choose(name, PASSWORD, datetime.now(UTC))
        return name

    def person(self, role: Role | None, **options: Any) -> Person:
        """Return somebody who is signed in with that role, or nobody in particular."""
        secret = None
        if role is not None:
            secret = self.sessions.begin(self.account(f"a-{role}", role), datetime.now(UTC))
        person = Person(self._browser, self.base, secret, **options)
        self._people.append(person)
        return person

    def leave(self) -> None:
        """Have everybody leave."""
        people, self._people = self._people, []
        for person in people:
            person.close()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self.store.close()
        said = self.log.read_text()
        assert "Traceback" not in said, said


@contextmanager
def console_site(folder: Path, browser: Browser, mode: Mode, *rows: str) -> Generator[ConsoleSite]:
    """Run it all until the block ends."""
    with acting_site(folder, mode, *rows) as (acting, enforcer):
        site = ConsoleSite(acting, enforcer, browser)
        site.start()
        try:
            yield site
        finally:
            site.close()
