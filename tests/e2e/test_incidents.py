"""An incident's life, told by the real analyzer to the real command line; and what outlives a kill."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from vedette_archive import AuditQuery, Reader, check
from vedette_console.deployment import operator_label
from vedette_schemas import Alert, Mode, Severity

from tests.e2e.acting_site import ActingSite, acting_site
from tests.e2e.product import WAIT

ROWS = ("host,evil.test,alert,high,,,,", "phrase,free robux,alert,medium,,,,")
WHO = f"operator@{operator_label()}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ActingSite]:
    with acting_site(tmp_path, Mode.ENFORCE, *ROWS) as (found, _):
        yield found


def about(text: str) -> Callable[[Alert], bool]:
    return lambda alert: text in alert.summary or (alert.match is not None and text in alert.match.value)


def incidents(site: ActingSite, *words: str) -> list[dict[str, Any]]:
    found = site.vedette("incidents", "--json", *words)
    assert found.returncode == 0, found.stderr
    told: list[dict[str, Any]] = json.loads(found.stdout)
    return told


def say(site: ActingSite, what: str, name: str, *words: str) -> str:
    found = site.vedette("incidents", what, name, *words)
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_an_incident_is_acknowledged_resolved_and_opened_again(site: ActingSite) -> None:
    site.copy("http://evil.test/1")
    site.alert(about("evil.test"))
    site.copy("http://evil.test/2")
    site.alert(about("evil.test"))
    site.copy("free robux")
    site.alert(about("robux"))
    (found,) = incidents(site)
    assert (found["status"], found["alerts"], found["lines"], found["owner"]) == ("open", 3, 2, None)

    name = found["id"][:8]
    assert say(site, "acknowledge", name) == f"incident {name}: acknowledged\n"
    (found,) = incidents(site)
    assert (found["status"], found["owner"]) == ("acknowledged", operator_label())
    said = say(site, "resolve", name, "--owner", "ben", "--note", "it was a test")
    assert said == f"incident {name}: resolved, owner ben, “it was a test”\n"
    assert incidents(site) == []

    site.copy("http://evil.test/3")
    site.alert(about("evil.test"))
    (found,) = incidents(site)
    assert (found["status"], found["owner"], found["reopened"]) == ("open", "ben", 1)
    shown = json.loads(site.vedette("incidents", "show", name, "--json").stdout)
    steps = [moment["step"]["status"] for moment in shown["timeline"] if "step" in moment]
    assert steps == ["acknowledged", "resolved", "open"]
    assert sum("observation" in moment for moment in shown["timeline"]) >= 4

    said = site.vedette("audit", "--json", "--who", WHO, "--what", "act").stdout
    rows = [json.loads(line) for line in said.splitlines()]
    assert [row["what"] for row in rows] == ["act.incident", "act.incident"]
    assert site.vedette("audit", "verify").returncode == 0


def test_what_is_unknown_is_refused_by_the_analyzer(site: ActingSite) -> None:
    found = site.vedette("incidents", "resolve", "00000000-0000-0000-0000-000000000001", "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["words"] == "no such incident is known: 'vedette incidents' lists them"


def test_heartbeats_tell_the_head_of_the_audit(site: ActingSite) -> None:
    unknown = ("incidents", "resolve", "00000000-0000-0000-0000-000000000001")
    site.vedette(*unknown)
    with Reader(site.folder / "archive.db") as reader:
        head = reader.audit.head
    site.vedette(*unknown)  # whoever connects is answered with a heartbeat
    topic, payload = site.watch.next()
    while "/status/analyzer@0" not in topic or f"on: {head}".encode() not in payload:
        topic, payload = site.watch.next()
    assert site.vedette("audit", "verify", "--head", str(head)).returncode == 0


def await_starts(site: ActingSite, count: int) -> None:
    """Wait until the audit has so many starts of the analyzer."""
    deadline = time.monotonic() + WAIT
    with Reader(site.folder / "archive.db") as reader:
        while len(reader.audit.rows(AuditQuery(what="analyzer.started"))) < count:
            assert time.monotonic() < deadline, "the analyzer's start is not in the audit"
            time.sleep(0.05)


def test_an_analyzer_that_is_told_to_stop_says_so_and_one_that_is_killed_does_not(site: ActingSite) -> None:
    def whats() -> list[str]:
        with Reader(site.folder / "archive.db") as reader:
            return [row.what for row in reader.audit.rows(AuditQuery(what="analyzer"))][::-1]

    await_starts(site, 1)
    site.kill()
    site.start()
    await_starts(site, 2)
    site.stop()
    assert whats() == ["analyzer.started", "analyzer.started", "analyzer.stopped"]
    rows = [json.loads(line) for line in site.vedette("audit", "--json").stdout.splitlines()]
    assert {row["book"] for row in rows} == {"network", "ca"}
    assert rows[0]["what"] == "ca.made"
    assert rows[-1]["what"] == "analyzer.stopped"
    verified = site.vedette("audit", "verify")
    assert verified.returncode == 0, verified.stdout


def test_incidents_and_audit_outlive_kills(site: ActingSite) -> None:
    for round_ in range(4):
        await_starts(site, round_ + 1)
        for number in range(30):
            site.copy(f"http://evil.test/{round_}/{number}")
            site.copy("free robux")
        site.alert(about("evil.test"))
        site.kill()  # while most of it is being judged or written
        site.start()
    await_starts(site, 5)
    path = site.folder / "archive.db"
    assert check(path) == []
    with Reader(path) as reader:
        (incident,) = reader.incidents.page().incidents
        told = [each.alert for each in reader.newest_alerts(1_000)]
        alerts = sum(alert.severity is not Severity.INFO for alert in told)
        assert incident.alerts == alerts
        assert sum(line.count for line in reader.incidents.lines(incident.number)) == alerts
        assert alerts
        assert reader.audit.verify().faults == ()
