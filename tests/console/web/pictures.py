"""Writes a picture of each page into docs/pictures: `make screenshots`. What is on them was made up."""

import random
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography import x509
from playwright.sync_api import sync_playwright
from vedette_analyzer.grouping import put_into_incidents
from vedette_archive import Batch, IncidentQuery, Reader, Writer
from vedette_console.ca import open_register
from vedette_console.web.roles import Role
from vedette_console.web.scopes import Scope
from vedette_console.web.tokens import Tokens
from vedette_schemas import (
    Alert,
    ClipboardCopied,
    Kind,
    Match,
    Mode,
    Principal,
    Severity,
    Where,
    WindowFocused,
    encode,
    topics,
)
from vedette_schemas.alerts import FoundLater

from tests import messages
from tests.archive.history import alert
from tests.authority import make_ca
from tests.console.web.conftest import ROWS
from tests.console.web.site import ConsoleSite, console_site

PICTURES = Path(__file__).parents[3] / "docs/pictures"
HOSTS = ("desk-12", "desk-31", "lab-3", "reception", "till-2")
PAGES = {
    "now": "/",
    "alerts": "/alerts",
    "host": "/hosts/host-7",
    "hosts": "/hosts",
    "actions": "/actions",
    "incidents": "/incidents",
    "indicators": "/indicators",
    "entry": "/indicators/add?type=phrase&value=the+meeting&action=alert",
    "history": "/history",
    "hours": "/history/hours",
    "report": "/hosts/desk-31/report",
    "audit": "/audit",
    "settings": "/settings",
}
_SEEN = (
    ("host", "login-paypa1.example", Where.TEXT, Severity.HIGH, "blocked login-paypa1.example for 24 h"),
    ("url", "http://cdn.update-check.example/flash.exe", Where.TITLE, Severity.CRITICAL, "ended firefox"),
    (
        "program",
        "mimikatz.exe",
        Where.PROGRAM,
        Severity.CRITICAL,
        "ended mimikatz.exe (pid 4711), 2 processes",
    ),
    ("phrase", "gift cards urgently", Where.TEXT, Severity.LOW, "alerted"),
    ("ip", "198.51.100.23", Where.TEXT, Severity.MEDIUM, "alerted"),
)
_TITLES = (
    ("Quarterly figures.ods - LibreOffice Calc", "/usr/lib/libreoffice/program/soffice.bin"),
    ("Inbox (3) - Mail", "/usr/bin/thunderbird"),
    ("Route to the station - Maps", "/usr/lib/firefox-esr/firefox-esr"),
    ("anna@host-7: ~/reports", "/usr/bin/xfce4-terminal"),
    ("Invoice 2026-118 - Document viewer", "/usr/bin/evince"),
)
LIFE, AGE = timedelta(days=30), timedelta(days=3)
"""For how long the hosts' certificates are good, and how old they are."""


def main() -> None:
    """Run a site, put a day's alerts into its archive, and look at each page in light, dark and small."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with console_site(Path(folder), browser, Mode.APPROVE, *ROWS) as site:
            furnish(site)
            wide, tall = {"width": 1200, "height": 860}, {"width": 1200, "height": 1200}
            for name, path in PAGES.items():
                hear(site)
                take(site, path, PICTURES / f"{name}.png", viewport=wide)
            incident = f"/incidents/{of_host(site, 'host-7')}"
            take(site, incident, PICTURES / "incident.png", viewport=tall)
            take(site, "/", PICTURES / "now-dark.png", viewport=wide, color_scheme="dark")
            take(site, "/", PICTURES / "now-small.png", viewport={"width": 380, "height": 820})
            site.leave()
        browser.close()
    sys.stdout.write(f"{len(list(PICTURES.glob('*.png')))} pictures are in {PICTURES}\n")


def furnish(site: ConsoleSite) -> None:
    """Have hosts that are heard, alerts of a day, blocks in force and some that wait."""
    now = datetime.now(UTC)
    certify(site, now, "host-7", *HOSTS)
    hear(site)
    site.account("anna", Role.ADMIN)
    site.account("ben", Role.VIEWER)
    Tokens(site.store).add("siem", [Scope.READ], 90, "anna", now)
    see(site, now, "host-7", *HOSTS)
    told = sorted([*made_up(now), found_later(now)], key=lambda each: each.at)
    with Writer(site.acting.folder / "archive.db") as writer, writer.transaction() as books:
        put_into_incidents(books, told, books.store(Batch(alerts=tuple(told))))
    page = site.person(Role.RESPONDER).go("/hosts/host-7")
    for number in range(1, 7):
        site.acting.copy(f"see http://evil-{number}.example/ for more")
    site.acting.alert(lambda alert: alert.match is not None and alert.match.value == "evil-6.example")
    for _ in range(3):
        page.goto("/")
        page.get_by_role("button", name="Approve").first.click()
        page.wait_for_selector(".note.good")


def hear(site: ConsoleSite) -> None:
    """Have the hosts tell that they are there."""
    now = datetime.now(UTC)
    for name in HOSTS:
        for program in ("sensor", "enforcer"):
            principal = Principal.parse(f"{program}@{name}")
            number = int(now.timestamp() * 1000)
            status = messages.status(principal=str(principal), at=now, number=number)
            site.acting.watch.publish(topics.status(principal), encode(status))


def of_host(site: ConsoleSite, host: str) -> UUID:
    """Return the incident of a host that matters most."""
    with Reader(site.deployment.archive) as reader:
        return reader.incidents.page(IncidentQuery(host=host)).incidents[0].id


def certify(site: ConsoleSite, now: datetime, *hosts: str) -> None:
    """Have hosts enrolled; the certificate of lab-3 was not renewed."""
    authority = make_ca(site.acting.folder / "of-pictures")
    with closing(open_register(site.acting.folder / "ca")) as register, register.writing():
        for name in hosts:
            since = now - (LIFE - AGE if name == "lab-3" else AGE)
            for program in ("sensor", "enforcer"):
                principal = Principal.parse(f"{program}@{name}")
                issued = authority.issue(str(principal), valid_from=since, valid_for=LIFE)
                certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
                register.add_certificate(principal, certificate, since)


def see(site: ConsoleSite, now: datetime, *hosts: str) -> None:
    """Have sensors report windows that were in front, and what was copied."""
    for host in hosts:
        sensor = Principal.parse(f"sensor@{host}")
        windows = [
            messages.window(
                title=title,
                process=messages.process(executable=executable),
                seen_at=now - timedelta(minutes=3 * minute),
            )
            for minute, (title, executable) in reversed([*enumerate(_TITLES, 1)])
        ]
        copied = messages.clipboard("the meeting is at 14:30, room 4", seen_at=now - timedelta(minutes=20))
        parts: tuple[list[WindowFocused] | list[ClipboardCopied], ...] = (windows, [copied])
        for items in parts:
            kind = Kind(items[0].kind)
            report = messages.report(*items, sender=str(sensor), spool="aa" * 8, sent_at=now)
            site.acting.watch.publish(topics.report(sensor, kind), encode(report))


def found_later(now: datetime) -> Alert:
    """Return what is told of what was seen before it was listed."""
    value = "files.parcel-tracking.example"
    seen = FoundLater(
        count=4, first_seen_at=now - timedelta(days=6, hours=3), last_seen_at=now - timedelta(days=2)
    )
    return alert(
        at=now - timedelta(minutes=2),
        id=UUID(int=4),
        host="reception",
        detector="listed-clipboard",
        summary=f"what was copied is listed: host {value}",
        done=f"found in the archive: seen {seen.count} times",
        match=Match(type="host", value=value, subject=value, where=Where.TEXT, list="abuse.csv", line=1204),
        found_later=seen,
    )


def made_up(now: datetime) -> list[Alert]:
    """Return what a day might bring."""
    dice = random.Random(7)
    found: list[Alert] = []
    for number in range(1, 160):
        hours = min(dice.expovariate(1 / 7), 23.0)
        kind, value, where, severity, done = dice.choices(_SEEN, weights=(5, 3, 1, 9, 6))[0]
        line = dice.randint(2, 80)
        match = Match(type=kind, value=value, subject=value, where=where, list="blocklist.csv", line=line)
        at = now - timedelta(hours=hours, minutes=1)
        found.append(
            alert(
                number,
                id=UUID(int=dice.getrandbits(128)),
                at=at,
                host=dice.choice(HOSTS),
                severity=severity,
                detector=f"listed-{'window' if where is not Where.TEXT else 'clipboard'}",
                summary=f"{kind} {value!r} is listed",
                done=done,
                match=match,
            )
        )
    return found


def take(site: ConsoleSite, path: str, file: Path, **options: object) -> None:
    """Take a picture of a page as an admin sees it."""
    person = site.person(Role.ADMIN, **options)
    page = person.go(path)
    page.wait_for_load_state("load")
    if page.locator("[data-chart]").count():
        page.wait_for_selector("[data-chart].drawn canvas")
    page.screenshot(path=file, animations="disabled")


if __name__ == "__main__":
    main()
