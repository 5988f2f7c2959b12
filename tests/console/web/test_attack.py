"""Attacks on a real console, by who has no account, one of too little, or one to misuse."""

import hashlib
import hmac
import http.client
import json
import re
import socket
import sqlite3
import urllib.parse
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from vedette_archive import Batch, Query, Writer
from vedette_console.web.api.routes import router as api
from vedette_console.web.archives import Archives
from vedette_console.web.pages.listed import PAGES
from vedette_console.web.roles import Role
from vedette_console.web.scopes import Scope
from vedette_console.web.tokens import Tokens
from vedette_console.web.visits import SESSION
from vedette_schemas import VedetteError

from tests.archive.history import alert
from tests.console.web.site import ConsoleSite

pytestmark = pytest.mark.system

FORM = "application/x-www-form-urlencoded"
NOBODYS = "00000000-0000-0000-0000-000000000000"
SECRET = "what somebody copied: xylophone"

POSTS = {
    "/alerts/acknowledge": Role.RESPONDER,
    "/alerts/suppress": Role.RESPONDER,
    "/alerts/suppressions/{suppression_id}/lift": Role.RESPONDER,
    "/incidents/triage": Role.RESPONDER,
    "/hosts/{name}/isolate": Role.RESPONDER,
    "/hosts/{name}/block": Role.RESPONDER,
    "/actions/{command_id}/approve": Role.RESPONDER,
    "/actions/{command_id}/undo": Role.RESPONDER,
    "/audit/verify": Role.RESPONDER,
    "/indicators/add": Role.ADMIN,
    "/settings/accounts/add": Role.ADMIN,
    "/settings/accounts/{name}/role": Role.ADMIN,
    "/settings/accounts/{name}/reset": Role.ADMIN,
    "/settings/accounts/{name}/remove": Role.ADMIN,
    "/settings/tokens/add": Role.ADMIN,
    "/settings/tokens/{name}/remove": Role.ADMIN,
    "/sign-out": Role.VIEWER,
    "/password": Role.VIEWER,
}
"""Who may, at least: a new route has to be named here before these tests hold."""

GETS = {"/audit": Role.RESPONDER, "/indicators/add": Role.RESPONDER, "/history/export.{form}": Role.RESPONDER}
"""All others are for each account."""


def methods(*routers: APIRouter) -> dict[str, set[str]]:
    """Return all addresses there are, each with how it can be asked for."""
    found: dict[str, set[str]] = {}
    for route in (cast("APIRoute", each) for router in routers for each in router.routes):
        found.setdefault(route.path, set()).update(route.methods or ())
    return found


def routes(method: str) -> list[str]:
    return [path for path, known in methods(*(page.router for page in PAGES)).items() if method in known]


def filled(path: str) -> str:
    return re.sub(r"\{[a-z_]*id\}", NOBODYS, path).replace("{name}", "host-7").replace("{form}", "csv")


class Attacker:
    """Somebody without a browser, who sends what they like."""

    def __init__(self, site: ConsoleSite, role: Role | None) -> None:
        self.site, self.secret = site, ""
        if role is not None:
            self.secret = site.sessions.begin(site.account(f"attacker-{role}", role), datetime.now(UTC))

    @property
    def form_token(self) -> str:
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    def ask(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        sent = {"Cookie": f"{SESSION}={self.secret}", **(headers or {})}
        with closing(http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)) as connection:
            connection.request(method, path, body or None, sent)
            with closing(connection.getresponse()) as answer:
                streams = answer.getheader("content-type", "").startswith("text/event-stream")
                return answer.status, "" if streams else answer.read().decode()

    def post(
        self, path: str, fields: Mapping[str, str], origin: str | None = None, kind: str = FORM
    ) -> tuple[int, str]:
        headers = {"Content-Type": kind} | ({} if origin is None else {"Origin": origin})
        return self.ask("POST", path, urllib.parse.urlencode(fields), headers)

    def program(self, scope: Scope) -> dict[str, str]:
        name, tokens = f"attacker-{scope}", Tokens(self.site.store)
        if any(each.name == name for each in tokens.everyone()):
            tokens.remove(name)
        secret = tokens.add(name, [scope], 1, "a test", datetime.now(UTC))
        return {"Authorization": f"Bearer {secret}"}


def test_every_route_that_does_something_is_in_the_table() -> None:
    assert set(routes("POST")) == {*POSTS, "/sign-in"}
    assert set.union(*methods(*(page.router for page in PAGES)).values()) == {"GET", "POST"}
    assert set(GETS) <= set(routes("GET"))


@pytest.mark.parametrize("path", POSTS)
def test_nothing_is_done_for_who_may_not(site: ConsoleSite, path: str) -> None:
    address = filled(path)
    for role in Role:
        one = Attacker(site, role)
        fields = {"token": one.form_token}
        if tuple(Role).index(role) < tuple(Role).index(POSTS[path]):
            assert one.post(address, fields, site.base)[0] == 403, role
        other = Attacker(site, Role.ADMIN).form_token
        for token in ({}, {"token": ""}, {"token": other}, {"token": "ä"}):
            assert one.post(address, token, site.base)[0] == 403
        for origin in (None, "null", "https://evil.example", site.base.replace("http:", "https:")):
            assert one.post(address, fields, origin)[0] == 403
        for kind in ("text/plain", "application/json", "multipart/form-data"):
            assert one.post(address, fields, site.base, kind)[0] in (400, 403)
        assert one.post(f"{address}?token={one.form_token}", {}, site.base)[0] == 403
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"):
            headers = {"Origin": site.base, "X-HTTP-Method-Override": "POST"}
            status, _ = one.ask(method, f"{address}?_method=POST", "", headers)
            # What else is there under that address is only looked at.
            assert status == 405 or (method == "GET" and status != 303)
    nobody = Attacker(site, None)
    assert nobody.post(address, {"token": nobody.form_token}, site.base)[0] == 401


@pytest.mark.parametrize("path", routes("GET"))
def test_a_page_is_for_who_may_see_it(site: ConsoleSite, path: str) -> None:
    address, least = filled(path), GETS.get(path, Role.VIEWER)
    if path != "/sign-in":
        assert Attacker(site, None).ask("GET", address)[0] in (303, 401)
    for role in Role:
        status, _ = Attacker(site, role).ask("GET", address)
        assert (status == 403) == (tuple(Role).index(role) < tuple(Role).index(least)), role


def test_the_interface_is_for_who_has_a_token_that_is_good_for_it(site: ConsoleSite) -> None:
    admin = Attacker(site, Role.ADMIN)
    for path, known in methods(api).items():
        (method,) = known
        body = json.dumps({"what": {"kind": "undo", "command_id": NOBODYS}}) if method == "POST" else ""
        kind = {"Content-Type": "application/json"}
        address = f"/api/v1{path}"
        assert admin.ask(method, address, body, kind)[0] == 401, "a session is no token"
        token = admin.program(Scope.READ)
        in_address = f"{address}?access_token={token['Authorization'][7:]}"
        assert admin.ask(method, in_address, body, kind)[0] == 401
        assert admin.ask(method, address, body, kind | token)[0] == (200 if method == "GET" else 403)


def test_who_may_not_see_what_was_seen_does_not_find_out_either(site: ConsoleSite) -> None:
    site.acting.copy(SECRET)
    site.acting.copy(f"{SECRET}, twice")
    responder, viewer = Attacker(site, Role.RESPONDER), Attacker(site, Role.VIEWER)
    asked = "events=observations&text=xylophone"
    while f"{SECRET}, twice" not in responder.ask("GET", f"/history?{asked}")[1]:
        pass  # until it is archived
    reading = viewer.program(Scope.READ)
    assert viewer.ask("GET", f"/api/v1/alerts?{asked}", headers=reading)[0] == 422
    for path in ("/history", "/history/chart", "/history/export.csv", "/alerts"):
        assert viewer.ask("GET", f"{path}?{asked}")[0] in (400, 403), path
    for path in (filled(each) for each in routes("GET")):
        assert SECRET not in viewer.ask("GET", path)[1]
        assert SECRET not in viewer.ask("GET", f"{path}?events=observations")[1]
    for path in methods(api):
        assert SECRET not in viewer.ask("GET", f"/api/v1{path}", headers=reading)[1]


@pytest.mark.parametrize(
    "path",
    [
        "/history?since=0001-01-01T00:00:00%2b05:00",
        "/history?until=9999-12-31T23:59:59-05:00",
        "/history/chart?since=0001-01-01T00:00:00%2b05:00",
        "/alerts?since=0001-01-01T00:00:00%2b05:00",
        "/audit?since=0001-01-01T00:00:00%2b05:00",
        "/history?text=" + "a" * 10_000,
        "/history?after=999999999999999999.999999999999999999",
        "/charts/alerts?hours=99999999999999999999",
        "/charts/alerts?by=%00",
        "/indicators?q=" + "%F0%9F%98%80" * 4_097,
        "/indicators/add?type=phrase&action=alert&value=a%0d%0ab",
        "/hosts/host-7/report?days=99999999999999999999",
        "/audit?below=99999999999999999999",
        "/incidents?after=9.x",
        "/live?" + "&".join(f"region=hosts:{number}" for number in range(21)),
    ],
)
def test_what_can_not_be_asked_is_refused_in_words(site: ConsoleSite, path: str) -> None:
    status, said = Attacker(site, Role.ADMIN).ask("GET", path)
    assert status == 400
    assert "went wrong" not in said


@pytest.mark.parametrize(
    "text",
    ["%00", "%22%20OR%20*", "NEAR(a%20b)", "a*", "%25", "_", "%27%3B--", "%F0%9F%98%80", "-x:y", "%ff"],
)
@pytest.mark.parametrize(
    "path", ["/history?", "/history?events=observations&", "/alerts?", "/audit?", "/audit?book=console&"]
)
def test_a_text_is_only_a_text_to_a_search(site: ConsoleSite, path: str, text: str) -> None:
    assert Attacker(site, Role.ADMIN).ask("GET", f"{path}text={text}")[0] == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:x", "[::1", "[::1]:1:2", "127.0.0.1@evil.example", "127.0.0.1:80@evil.example", "[", ""],
)
def test_only_a_name_is_a_name(site: ConsoleSite, host: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(f"GET /sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 421"


@pytest.mark.parametrize(
    "body",
    [
        "[" * 60_000,
        '{"what":' + '{"a":' * 10_000,
        '{"what":' + "9" * 5_000 + "}",
        '{"what": {"kind": "\\ud800"}}',
        '{"what": {"kind": "undo", "\\ud83d": 1}}',
        '{"what": {"kind": "order", "host": "host-7", "order": {"action": "isolate", "ttl_seconds": 1e999}}}',
        '{"what": NaN}',
        "\0",
        "",
    ],
)
def test_hostile_json_is_refused_in_words(site: ConsoleSite, body: str) -> None:
    headers = {"Content-Type": "application/json", **Attacker(site, None).program(Scope.ACT)}
    status, said = Attacker(site, None).ask("POST", "/api/v1/acts", body, headers)
    assert status in (400, 422)
    assert json.loads(said)["words"]


def test_a_session_guesses_no_password(site: ConsoleSite) -> None:
    thief = Attacker(site, Role.VIEWER)

    def guess(number: int) -> str:
        fields = {"token": thief.form_token, "old": f"a guess {number}", "new": "x", "again": "x"}
        return thief.post("/password", fields, site.base)[1]

    assert "The present password is wrong" in guess(0)
    for number in range(1, 5):
        guess(number)
    assert "Too many attempts" in guess(5)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alerts SET at = 9223372036854775807",
        "UPDATE alerts SET body = 'null'",
        "UPDATE alerts SET body = json_set(body, '$.severity', 'what')",
        "UPDATE alerts SET body = json_set(body, '$.at', '9999-12-31T23:59:59-12:00')",
    ],
)
def test_a_row_that_can_not_be_read_is_said_in_words(tmp_path: Path, change: str) -> None:
    path = tmp_path / "archive.db"
    with Writer(path) as writer:
        writer.store(Batch(alerts=(alert(1), alert(2))))
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(change)
    connection.commit()
    connection.close()
    archives = Archives(path)
    with pytest.raises(VedetteError), archives.searching() as history:
        history.search(Query())
    archives.close()
