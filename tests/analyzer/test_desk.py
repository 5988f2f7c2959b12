"""Acts as they come in from the broker: who is heard, who is answered, who is an alert."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vedette_analyzer.desk import ActDesk
from vedette_archive import ArchivedAct
from vedette_schemas import (
    Act,
    ActAnswer,
    Alert,
    Direct,
    Isolate,
    MessageError,
)
from vedette_transport.signing import ActVerifier, Signer

from tests.analyzer.archived import ANNA, Site
from tests.authority import Authority, make_ca

NOW = datetime.now(UTC)
TOPIC = f"vedette/v1/act/{ANNA}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def anna(authority: Authority) -> Signer:
    return authority.issue(ANNA).signer()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    found.heard(at=NOW)
    yield found
    found.close()


@pytest.fixture
def desk(authority: Authority, site: Site) -> ActDesk:
    return ActDesk(ActVerifier(authority.path), site.analyzer, site.reader.act)


def act(**changes: Any) -> Act:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "issuer": ANNA,
        "issued_at": NOW,
        "expires_at": NOW + timedelta(minutes=1),
        "what": Direct(host="host-7", order=Isolate(ttl_seconds=60)),
    }
    return Act(**(fields | changes))


def take(desk: ActDesk, token: str | bytes, topic: str = TOPIC) -> list[Any]:
    return list(desk.take(topic, token.encode() if isinstance(token, str) else token, NOW))


def test_an_act_is_answered_when_it_is_archived_and_the_same_again(
    desk: ActDesk, site: Site, anna: Signer
) -> None:
    token = anna.sign(act())
    *effects, archived = take(desk, token)
    assert isinstance(archived, ArchivedAct)
    assert not [effect for effect in effects if isinstance(effect, ActAnswer)]
    assert take(desk, token) == [], "while it is being archived nothing is said"
    site.keep([*effects, archived])
    (answer,) = desk.archived([archived])
    assert (answer.audience, answer.done, answer.words) == (ANNA, True, archived.words)
    assert take(desk, token) == [answer]


def test_an_author_whose_act_is_late_is_told(desk: ActDesk, anna: Signer) -> None:
    late = act(issued_at=NOW - timedelta(minutes=5), expires_at=NOW)
    (answer,) = take(desk, anna.sign(late))
    assert isinstance(answer, ActAnswer)
    assert (answer.act_id, answer.done, answer.words) == (late.id, False, "refused: it has expired")


def test_who_only_pretends_is_an_alert_and_not_a_flood_of_them(desk: ActDesk) -> None:
    found = [effect for _ in range(100) for effect in take(desk, "x.y.z")]
    assert len(found) == 10
    assert all(isinstance(alert, Alert) and alert.severity == "high" for alert in found)


@pytest.mark.parametrize(
    "topic",
    [
        "vedette/v1/act/console@main",
        "vedette/v1/act/analyzer@0",
        "vedette/v1/act/sensor@host-7",
        "vedette/v1/act/x",
    ],
)
def test_nobody_acts_under_anothers_topic(desk: ActDesk, anna: Signer, topic: str) -> None:
    with pytest.raises(MessageError):
        take(desk, anna.sign(act()), topic)


def test_an_id_that_another_has_used_tells_nobody_what_came_of_it(
    desk: ActDesk, site: Site, anna: Signer, authority: Authority
) -> None:
    mine = act()
    site.keep(take(desk, anna.sign(mine)))
    ben = authority.issue("operator@ben").signer()
    other = ben.sign(act(id=mine.id, issuer="operator@ben"))
    fresh = ActDesk(ActVerifier(authority.path), site.analyzer, site.reader.act)
    assert take(fresh, other, "vedette/v1/act/operator@ben") == []


@pytest.mark.parametrize("payload", [b"", b"\xff", b"x" * 100_000, b"a.b.c"])
def test_garbage_leads_to_no_act(desk: ActDesk, payload: bytes) -> None:
    assert all(isinstance(effect, Alert) for effect in take(desk, payload))


def test_who_was_revoked_acts_no_more(site: Site, anna: Signer, authority: Authority) -> None:
    desk = ActDesk(ActVerifier(authority.path, lambda _: True), site.analyzer, site.reader.act)
    (alert,) = take(desk, anna.sign(act()))
    assert isinstance(alert, Alert)
    assert "its signer's certificate was revoked" in alert.summary
