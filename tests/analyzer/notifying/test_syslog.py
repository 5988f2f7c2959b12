"""Alerts by syslog, to a server that reads RFC 5424."""

import json
import random
import re
import socket
import ssl
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_analyzer.notifying import rfc5424
from vedette_schemas import Severity, State

from tests import identities
from tests.analyzer.notifying import sysloghost
from tests.analyzer.notifying.telling import alert, match, origin, telling

pytestmark = pytest.mark.system

HOSTILE = 'a|b=c\\d]"e\r\n<0>1 - - - forged\x00\u202e[x y="z"] é'


def settings(port: int, more: str = "") -> str:
    return f'[route.siem]\nby = "syslog"\nserver = "localhost:{port}"\n{more}'


def server_context(folder: Path, *, asks: bool = False) -> ssl.SSLContext:
    ca = identities.authority()
    files = identities.identity(ca, "broker@0", folder / "server").folder.files()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files.ca)
        identities.write(ca, "console@main", folder / "client")
    return context


def test_over_tls_each_alert_is_an_event_and_repeats_are_too(tmp_path: Path) -> None:
    context = server_context(tmp_path, asks=True)
    more = 'ca = "server/ca.pem"\ncertificate = "client/certificate.pem"\nkey = "client/key.pem"\n'
    with (
        sysloghost.serving(context) as host,
        telling(tmp_path, settings(host.port, more)) as site,
    ):
        told = [alert(match=match(), origin=origin(), severity=Severity.CRITICAL) for _ in range(3)]
        site.archive(told)
        events = [host.next() for _ in told]
        assert {event.parameters["id"] for event in events} == {str(each.id) for each in told}
        event = events[0]
        assert (event.facility, event.severity, event.app, event.kind) == (16, 2, "vedette", "listed-window")
        assert (event.element, event.host) == ("vedette@32473", socket.gethostname())
        assert datetime.fromisoformat(event.time).tzinfo is not None
        assert event.parameters["host"] == "host-7"
        assert re.match(
            r"CEF:0\|Vedette\|Vedette\|[^|]+\|listed-window\|a listed program\|10\|rt=\d+ ", event.body
        )
        assert "cs1Label=indicator cs1=url http://evil.example/x " in event.body
        assert "what-was-copied" not in event.body
        assert site.stop() == 0
        assert host.events.empty()


def test_a_certificate_that_is_renewed_or_comes_late_is_taken_up(tmp_path: Path) -> None:
    other = identities.identity(identities.authority(), "broker@0", tmp_path / "other").folder.files()
    context = server_context(tmp_path)
    right = (tmp_path / "server" / "ca.pem").read_text()
    (tmp_path / "siem-ca.pem").write_text(other.ca.read_text())
    with (
        sysloghost.serving(context) as host,
        telling(tmp_path, settings(host.port, 'ca = "siem-ca.pem"\n')) as site,
    ):
        site.archive([alert(summary="told in the end")])
        site.await_line("is not to be trusted: ")
        (tmp_path / "siem-ca.pem").write_text(right)
        assert "told in the end" in host.next().body


def test_a_server_with_another_certificate_is_not_told(tmp_path: Path) -> None:
    context = server_context(tmp_path)
    with sysloghost.serving(context) as host, telling(tmp_path, settings(host.port)) as site:
        site.archive([alert()])
        assert "is not to be trusted: " in site.await_line("not sent")
        assert host.events.empty()


@pytest.mark.parametrize("body", ["cef", "ocsf"])
@pytest.mark.parametrize("over", ["tcp", "udp"])
def test_hostile_text_is_one_event(tmp_path: Path, over: str, body: str) -> None:
    sees = 'may_see = ["summary", "title", "subject", "indicator", "done"]\n'
    with sysloghost.serving() as host, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(sysloghost.WAIT)
        port = host.port if over == "tcp" else datagrams.getsockname()[1]
        more = f'over = "{over}"\nbody = "{body}"\n{sees}'
        with telling(tmp_path, settings(port, more).replace("localhost", "127.0.0.1")) as site:
            long = (HOSTILE * 100)[:1_000]
            found = match(value=long, subject=long, comment=long, list="l" * 255)
            site.archive([alert(summary=long, done=long, match=found, origin=origin(excerpt=long[:300]))])
            if over == "tcp":
                event = host.next()
                site.archive([alert(summary="the next")])
                assert "the next" in host.next().body
            else:
                datagram = datagrams.recv(65_536)
                assert len(datagram) <= 2_048
                event = sysloghost.parse(datagram)
    assert event.body.isprintable()
    if body == "ocsf":
        told = json.loads(event.body)
        assert (told["class_uid"], told["type_uid"], told["severity_id"]) == (2004, 200401, 4)
        assert told["finding_info"]["title"].startswith('a|b=c\\d]"e')
    else:
        header, extension = event.body.split("|rt=", 1)
        assert header.endswith("|8")
        assert len(re.findall(r"(?<!\\)\|", header)) == 6
        labels = re.findall(r"(?:^| )([a-zA-Z0-9]+)(?<!\\)=", " rt=" + extension)
        assert len(labels) == len(set(labels)), "nothing in a text is taken for a label"


def test_what_came_of_it_updates_the_finding(tmp_path: Path) -> None:
    more = 'over = "tcp"\nbody = "ocsf"\n'
    with sysloghost.serving() as host, telling(tmp_path, settings(host.port, more)) as site:
        pending = alert(state=State.PENDING)
        site.archive([pending])
        first = host.next()
        site.archive([pending.model_copy(update={"state": State.FINAL, "done": "ended game"})])
        second = host.next()
        bodies = [json.loads(first.body), json.loads(second.body)]
        assert [body["activity_id"] for body in bodies] == [1, 2]
        assert {body["finding_info"]["uid"] for body in bodies} == {str(pending.id)}
        assert [first.parameters["count"], second.parameters["count"]] == ["1", "0"]


def test_a_server_that_never_closes_is_told_once(tmp_path: Path) -> None:
    more = 'over = "tcp"\ntimeout_seconds = 1\n'
    with sysloghost.serving(is_deaf=True) as host, telling(tmp_path, settings(host.port, more)) as site:
        site.archive([alert(summary="one")])
        assert "one" in host.next().body
        site.archive([alert(summary="two")])
        assert "two" in host.next().body
        assert host.events.empty()


@pytest.mark.parametrize("over", ["tls", "tcp"])
def test_what_answers_is_no_syslog_server_however_long_it_goes_on(tmp_path: Path, over: str) -> None:
    context = server_context(tmp_path) if over == "tls" else None
    more = 'ca = "server/ca.pem"\n' if over == "tls" else 'over = "tcp"\n'
    with (
        sysloghost.serving(context, answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as host,
        telling(tmp_path, settings(host.port, more)) as site,
    ):
        site.archive([alert()])
        assert "answers, which no syslog server does: is it another program's port?" in site.await_line(
            "not sent"
        )


def test_many_servers_that_are_stuck_hold_up_no_other(tmp_path: Path) -> None:
    """More of them than an event loop has threads of its own."""
    stuck = socket.create_server(("127.0.0.1", 0), backlog=64)
    routes = "".join(
        f'[route.stuck{n}]\nby = "syslog"\nca = "server/ca.pem"\ntimeout_seconds = 600\n'
        f'server = "127.0.0.1:{stuck.getsockname()[1]}"\n'
        for n in range(20)
    )
    server_context(tmp_path)
    with (
        stuck,
        sysloghost.serving() as host,
        telling(tmp_path, routes + settings(host.port, 'over = "tcp"\n')) as site,
    ):
        site.archive([alert(summary="the first")])
        assert "the first" in host.next().body
        reached = [stuck.accept()[0] for _ in range(20)]
        site.archive([alert(summary="the next")])
        assert "the next" in host.next().body
        assert site.stop() == 0
        for each in reached:
            each.close()


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_names_and_values_can_not_break_the_grammar(name: str, label: str, value: str) -> None:
    printable = "".join(c for c in value if c.isprintable())
    message = rfc5424.message(
        facility=4,
        severity=Severity.LOW,
        at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        host=name,
        process=name,
        kind=name,
        element="vedette@32473",
        parameters={label: printable},
        body=printable,
    )
    event = sysloghost.parse(message)
    assert event.body == printable
    assert list(event.parameters.values()) == [printable]
    assert event.time == "2026-11-21T12:00:00.000000Z"


def test_killed_again_and_again_it_tells_each_alert_and_repeats_only_what_was_on_its_way(
    tmp_path: Path,
) -> None:
    """A kill meets it anywhere: reading, queueing, sending, noting."""
    told, seen, kills = [alert(summary=f"alert {n}") for n in range(120)], Counter[tuple[str, str]](), 6
    more = 'over = "tcp"\n'
    with sysloghost.serving() as host, telling(tmp_path, settings(host.port, more)) as site:
        for n in range(kills):
            site.archive(told[n * 20 : (n + 1) * 20])
            for _ in range(random.Random(n).randrange(20)):
                event = host.next()
                seen[event.parameters["id"], event.parameters["message"]] += 1
            site.kill()
            site.start()
        while {name for name, _ in seen} != {str(each.id) for each in told}:
            event = host.next()
            seen[event.parameters["id"], event.parameters["message"]] += 1
        assert site.stop() == 0
    assert len(seen) == len(told), "what comes again comes in the same message"
    assert max(seen.values()) <= kills + 1
