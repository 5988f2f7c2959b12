"""Suppressing from the command line, against the real broker, analyzer and archive."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from vedette_archive import Reader, check
from vedette_schemas import Alert, Mode, State

from tests.e2e.acting_site import ActingSite, FakeEnforcer, acting_site

pytestmark = pytest.mark.system

ROWS = ("host,evil.test,block,high,,,,", "host,worse.test,block,high,,,,")
Both = tuple[ActingSite, FakeEnforcer]


@pytest.fixture
def enforcing(tmp_path: Path) -> Iterator[Both]:
    with acting_site(tmp_path, Mode.ENFORCE, *ROWS) as both:
        yield both
    assert check(tmp_path / "run" / "archive.db") == []


def said(found: "subprocess.CompletedProcess[str]") -> str:
    assert found.returncode == 0, found.stderr
    return found.stdout


def listed(site: ActingSite, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(site.vedette("suppressions", *options, "--json")))
    return found


def about(name: str) -> Callable[[Alert], bool]:
    def is_it(alert: Alert) -> bool:
        return alert.match is not None and alert.match.value == name

    return is_it


def counted(site: ActingSite, count: int) -> dict[str, Any]:
    """Wait until so many are hidden."""
    deadline = time.monotonic() + 20
    while (line := listed(site)[0])["hidden"] < count:
        assert time.monotonic() < deadline, line
    return line


def restart(site: ActingSite) -> None:
    """Kill the analyzer and start another, which is there once it says so: not the one before."""
    site.kill()
    deadline = time.monotonic() + 20
    gone = False
    while not gone:
        topic, payload = site.watch.next(max(0.01, deadline - time.monotonic()))
        gone = "/status/" in topic and b'"gone"' in payload
    site.start()


def test_what_is_suppressed_is_hidden_at_once_and_found_and_told_again_once_lifted(enforcing: Both) -> None:
    site, enforcer = enforcing
    site.copy("http://evil.test/")
    site.alert(lambda alert: about("evil.test")(alert) and alert.state is State.FINAL)
    block = enforcer.taken.get(timeout=5)
    said(site.vedette("undo", str(block.id)))
    enforcer.taken.get(timeout=5)

    # named as it stood in the alert
    words = said(site.vedette("suppress", "our own site", "--indicator", "evil.test", "--for", "2h"))
    first, how = words.splitlines()
    assert first.startswith("suppressed until ")
    assert first.endswith("Z, for 2 h: host evil.test on all hosts")
    name = how.removeprefix("to end it sooner: vedette suppressions lift ").split()[0]
    told = site.alert(lambda alert: alert.summary.endswith("our own site"))
    assert (told.detector, told.severity, told.done[:16]) == ("act", "info", "suppressed until")

    site.copy("http://evil.test/ once more")
    site.copy("http://worse.test/ and http://a.evil.test/")
    other = site.alert(lambda alert: alert.match is not None)
    assert other.match is not None
    assert other.match.value == "worse.test", "that one is not suppressed, and the other was before it"
    assert enforcer.taken.get(timeout=5).order.action == "block"
    line = counted(site, 2)
    assert (line["id"][:8], line["reason"], line["in_force"]) == (name, "our own site", True)
    assert line["by"].startswith("operator@")

    restart(site)
    site.copy("http://evil.test/ after a restart")
    assert counted(site, 3)["id"] == line["id"]
    shown = [Alert.model_validate_json(text) for text in hidden(site, name)]
    assert [alert.match.value for alert in shown if alert.match] == ["evil.test"] * 3
    assert {alert.action for alert in shown} == {"block"}
    with Reader(site.folder / "archive.db") as reader:
        kept = {followed.alert.id for followed in reader.newest_alerts()}
    assert not kept & {alert.id for alert in shown}
    assert not {alert.id for alert in site.alerts} & {alert.id for alert in shown}

    lifted = said(site.vedette("suppressions", "lift", name))
    assert lifted == "lifted, and told again from now on: host evil.test on all hosts\n"
    site.copy("http://evil.test/ at last")
    assert site.alert(about("evil.test")).done.startswith("alerted: no more than that until"), "it was undone"
    assert enforcer.taken.empty()
    assert listed(site) == []
    (over,) = listed(site, "--all")
    assert (over["hidden"], over["ended_by"]) == (3, line["by"])

    on_none = site.vedette("suppress", "it will come", "--host", "host-99", "--for", "7d")
    first, note, _ = said(on_none).splitlines()
    assert first.endswith("Z, for 7 d: all that any detector finds on host-99")
    assert note == "but no host host-99 has been heard yet: 'vedette hosts' lists them"
    told_all = json.loads(said(site.vedette("suppress", "it is there", "--host", "host-7", "--json")))
    assert set(told_all) == {"state", "id", "words"}


def hidden(site: ActingSite, name: str) -> list[str]:
    return said(site.vedette("suppressions", "show", name, "--json")).splitlines()


def test_what_is_refused_or_repeated_is_said(enforcing: Both) -> None:
    site, enforcer = enforcing
    refused = site.vedette("suppress", "quiet", "--detector", "silent-host")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("vedette: alerts of silent-host can't be suppressed; those can of: ")
    (told,) = said(site.vedette("suppress", "quiet", "--host", "host-7", "--json")).splitlines()
    assert json.loads(told)["state"] == "done"
    again = said(site.vedette("suppress", "quiet still", "--host", "host-7", "--for", "1d"))
    assert f"in the place of {json.loads(told)['id'][:8]}" in again
    assert [line["reason"] for line in listed(site)] == ["quiet still"]
    lifted = site.vedette("suppressions", "lift", json.loads(told)["id"])
    assert (lifted.returncode, lifted.stdout) == (1, "")
    assert lifted.stderr == f"vedette: suppression {json.loads(told)['id'][:8]} is not in force\n"

    # all of the host is suppressed: an operator's own order is carried out and told
    assert said(site.vedette("block", "host-7", "evil.test")).startswith("host-7: block is done\n")
    assert enforcer.taken.get(timeout=5).order.action == "block"
    assert site.alert(lambda alert: alert.state is State.FINAL and alert.done == "block is done")


def test_one_that_is_over_hides_nothing(enforcing: Both) -> None:
    site, enforcer = enforcing
    said(site.vedette("suppress", "for a moment", "--indicator", "host worse.test", "--for", "1s"))
    deadline = time.monotonic() + 20
    while listed(site) and time.monotonic() < deadline:
        pass
    site.copy("http://worse.test/")
    assert site.alert(about("worse.test")).action == "block"
    assert enforcer.taken.get(timeout=5).order.action == "block"
    (over,) = listed(site, "--all")
    assert (over["hidden"], over["ended_by"]) == (0, None)
