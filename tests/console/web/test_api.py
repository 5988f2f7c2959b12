"""The interface for programs: who is let in, what it says, and that nothing sent to it makes it fail."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import checks
from schemathesis.generation import GenerationMode
from vedette_console.web.scopes import Scope
from vedette_console.web.tokens import Tokens
from vedette_schemas import SettingsError

from tests.console.web.site import ConsoleSite

pytestmark = pytest.mark.system

CHECKS: Any = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
]


def token(site: ConsoleSite, *scopes: Scope) -> str:
    name = "-".join(("for", *scopes))
    tokens = Tokens(site.store)
    if any(each.name == name for each in tokens.everyone()):
        tokens.remove(name)
    return tokens.add(name, scopes, 1, "a test", datetime.now(UTC))


def ask(
    site: ConsoleSite, path: str, secret: str = "", body: Mapping[str, object] | None = None
) -> tuple[int, Any]:
    """Ask the interface; return status and what it says."""
    request = urllib.request.Request(f"{site.base}/api/v1{path}")
    if secret:
        request.add_header("Authorization", f"Bearer {secret}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_alerts_hosts_and_actions_are_read(site: ConsoleSite) -> None:
    secret = token(site, Scope.READ)
    site.acting.copy("read me: a quiet phrase")
    alert = site.acting.alert(lambda alert: alert.severity == "low")
    status, said = ask(site, "/alerts?severity=low&limit=1", secret)
    assert (status, said["alerts"][0]["id"]) == (200, str(alert.id))
    status, hosts = ask(site, "/hosts", secret)
    assert (status, hosts[0]["host"], hosts[0]["facts"]["enforcer@host-7"]["block"]) == (200, "host-7", "on")
    assert ask(site, "/actions", secret)[0] == 200


def test_an_act_is_carried_out_in_the_name_of_the_token(site: ConsoleSite) -> None:
    order = {"action": "isolate", "ttl_seconds": 60, "why": "because"}
    what = {"kind": "order", "host": "host-7", "order": order}
    status, said = ask(site, "/acts", token(site, Scope.ACT), {"what": what})
    assert (status, said["state"], said["host"]) == (200, "done", "host-7"), said
    assert site.enforcer.taken.get(timeout=10).order.action == "isolate"
    _, actions = ask(site, "/actions", token(site, Scope.READ))
    held = next(each for each in actions if each["id"] == said["command_id"])
    assert held["ordered_by"] == "console@main/token.for-act"
    undone = {"what": {"kind": "undo", "command_id": said["command_id"]}}
    assert ask(site, "/acts", token(site, Scope.ACT), undone)[1]["state"] == "done"
    assert site.enforcer.taken.get(timeout=10).order.action == "undo"


def test_what_a_token_is_not_good_for_is_refused(site: ConsoleSite) -> None:
    what = {"kind": "order", "host": "host-7", "order": {"action": "isolate", "ttl_seconds": 60}}
    status, said = ask(site, "/acts", token(site, Scope.READ), {"what": what})
    assert (status, said) == (403, {"words": "this token is not good for that"})
    assert ask(site, "/alerts")[0] == 401
    assert ask(site, "/alerts", "vedette_nobody-has-this")[0] == 401
    assert ask(site, "/nowhere", token(site, Scope.READ))[0] == 404


def test_a_token_ends_and_is_removed(site: ConsoleSite) -> None:
    tokens, now = Tokens(site.store), datetime.now(UTC)
    secret = tokens.add("short", [Scope.READ], 1, "a test", now)
    assert tokens.token(secret, now + timedelta(hours=23)) is not None
    assert tokens.token(secret, now + timedelta(hours=25)) is None
    tokens.remove("short")
    assert ask(site, "/hosts", secret)[0] == 401
    for name, scopes, days in (("A", [Scope.READ], 1), ("a", [], 1), ("a", [Scope.READ], 0)):
        with pytest.raises(SettingsError):
            tokens.add(name, scopes, days, "a test", now)


@pytest.mark.parametrize(
    "path",
    [
        "/alerts?since=yesterday",
        "/alerts?severty=low",
        "/alerts?severity=grave",
        "/alerts?since=2026-01-02&until=2026-01-01",
    ],
)
def test_a_question_that_makes_no_sense_is_answered_in_words(site: ConsoleSite, path: str) -> None:
    status, said = ask(site, path, token(site, Scope.READ))
    assert status in (400, 422)
    assert said["words"]


def test_nothing_that_is_sent_makes_it_fail_or_answer_otherwise_than_described(site: ConsoleSite) -> None:
    headers = {"Authorization": f"Bearer {token(site, Scope.READ, Scope.ACT)}"}
    described: Any = schemathesis.openapi.from_url(f"{site.base}/api/v1/openapi.json")
    described.config.generation.update(with_security_parameters=False)  # the headers above replace them
    tried: Counter[int] = Counter()
    for found in described.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            if mode.is_negative and not (operation.query or operation.body):
                continue  # nothing is described that could be sent otherwise

            @given(operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=40,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            )
            def answers_as_described(case: Any) -> None:
                assume(len(urlencode(case.query, doseq=True)) < 60_000)  # of a longer one no word is read
                case.headers.pop("Host", None)  # under another name nothing is answered at all (421)
                response = case.call(headers=headers, timeout=20)
                case.validate_response(response, checks=CHECKS)
                tried[response.status_code] += 1

            answers_as_described()
    assert tried[200] >= 40, tried
    assert tried[422] >= 40, tried
    assert sum(count for status, count in tried.items() if status >= 500) == 0, tried
