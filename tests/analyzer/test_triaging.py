"""What operators say of incidents: by whom it is answered, and what it leads to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from vedette_archive import ArchivedObservation, History, Incident, check, timeline
from vedette_schemas import MAX_TRIAGED, Act, IncidentStatus, Triage
from vedette_transport.signing import ActVerifier

from tests.analyzer.archived import ANNA, Site
from tests.authority import make_ca
from tests.messages import clipboard, window


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path, "host,evil.test,alert,high,,,,")
    found.heard()
    found.report(clipboard("http://evil.test/"))
    yield found
    found.close()


def the(site: Site) -> Incident:
    (found,) = site.reader.incidents.page().incidents
    return found


def triage(*ids: UUID, **changes: Any) -> Triage:
    fields: dict[str, Any] = {"incident_ids": ids, "status": IncidentStatus.ACKNOWLEDGED}
    return Triage(**(fields | changes))


def test_what_is_nobodys_becomes_whoevers_acknowledges_it(site: Site) -> None:
    answered, sends, alerts = site.act(triage(the(site).id))
    assert (answered.done, answered.command_id, answered.kind) == (True, None, "incident")
    assert answered.words == f"incident {str(the(site).id)[:8]}: acknowledged"
    assert (the(site).status, the(site).owner) == ("acknowledged", "anna")
    assert (sends, alerts) == ([], [])
    assert check(site.path) == []


@pytest.mark.parametrize(
    ("before", "changes", "owner"),
    [
        ("", {"status": IncidentStatus.RESOLVED}, "anna"),
        ("", {"status": IncidentStatus.OPEN}, ""),
        ("", {"owner": "ben"}, "ben"),
        ("ben", {}, "ben"),
        ("ben", {"owner": ""}, ""),
        ("ben", {"status": None, "note": "a note"}, "ben"),
    ],
)
def test_whose_an_incident_is(site: Site, before: str, changes: dict[str, Any], owner: str) -> None:
    site.act(triage(the(site).id, status=IncidentStatus.OPEN, owner=before))
    assert site.act(triage(the(site).id, **changes))[0].done
    assert the(site).owner == owner


def test_what_was_said_is_kept_as_steps(site: Site) -> None:
    site.act(triage(the(site).id, note="I look"))
    site.act(triage(the(site).id, status=None, note="nothing yet"))
    found = site.reader.incidents.steps(the(site).number)
    assert [(step.who, step.status, step.note) for step in found] == [
        (ANNA, "acknowledged", "I look"),
        (ANNA, "acknowledged", "nothing yet"),
    ]


def test_what_is_not_known_is_said_and_the_rest_done(site: Site) -> None:
    answered, _, _ = site.act(triage(the(site).id, UUID(int=1), UUID(int=2), the(site).id))
    assert answered.words.endswith(": acknowledged; 2 more are not known")
    assert the(site).status == "acknowledged"
    answered, _, _ = site.act(triage(UUID(int=1)))
    assert (answered.done, answered.words) == (
        False,
        "no such incident is known: 'vedette incidents' lists them",
    )


def test_an_incidents_timeline_goes_over_all_sensors(tmp_path: Path) -> None:
    site = Site(tmp_path, "host,evil.test,block,high,,,,")
    site.heard()
    (sent,), _ = site.report(clipboard("http://evil.test/"), second=10)
    site.report(window(title="a title"), second=12)
    site.answer(sent, second=14)
    site.act(triage(the(site).id), second=20)
    with History(site.path) as history:
        found = timeline(site.reader, history, the(site))
    site.close()
    assert [type(each.what).__name__ for each in found] == [
        "ArchivedObservation",  # received before it was judged: what was copied, the window, the outcome
        "ArchivedObservation",
        "ArchivedObservation",
        "Alert",
        "ArchivedCommand",
        "Step",
    ]
    assert [each.host for each in found] == ["host-7"] * 5 + [""]
    kinds = {each.what.stream.kind for each in found if isinstance(each.what, ArchivedObservation)}
    assert kinds == {"clipboard", "window", "outcome"}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"owner": "a b"},
        {"owner": "\x1b[2J"},
        {"owner": "x" * 64},
        {"note": "x" * 301},
        {"status": "lost"},
    ],
)
def test_what_makes_no_sense_is_no_act(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        triage(UUID(int=1), **changes)
    with pytest.raises(ValidationError):
        triage()


@pytest.mark.parametrize("note", ["\x01" * 300, "𝕏" * 300])
def test_the_longest_act_is_short_enough_to_be_taken(tmp_path: Path, note: str) -> None:
    authority, now = make_ca(tmp_path), datetime.now(UTC)
    what = triage(*(uuid4() for _ in range(MAX_TRIAGED)), owner="x" * 63, note=note)
    act = Act(
        id=uuid4(),
        issuer=f"operator@{'x' * 55}",
        issued_at=now,
        expires_at=now + timedelta(minutes=1),
        what=what,
        account="x" * 32,
    )
    token = authority.issue(act.issuer).signer().sign(act)
    assert ActVerifier(authority.path).verify(token, now) == act
