"""The program as people run it: its file, its queue, what it says, and routes that fail."""

import json
import sqlite3
import stat
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from vedette_analyzer.notifying.__main__ import LOOK_SECONDS
from vedette_analyzer.notifying.showing import BY_DEFAULT
from vedette_archive import Batch, Writer
from vedette_schemas import Severity

from tests import brokers
from tests.analyzer.notifying import sysloghost
from tests.analyzer.notifying.mailserver import MailServer, serving, text_of
from tests.analyzer.notifying.routes import write
from tests.analyzer.notifying.telling import WAIT, alert, match, telling
from tests.analyzer.notifying.test_mail import settings
from tests.faults.running import until

pytestmark = pytest.mark.system


class Webhook(ThreadingHTTPServer):
    """A service that takes JSON; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.posted: SimpleQueue[dict[str, Any]] = SimpleQueue()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Webhook)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.end_headers()
        if self.server.status == 200:
            self.server.posted.put(json.loads(body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def webhook() -> Generator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def chat(folder: Path, port: int) -> str:
    write(folder / "chat-url", f"json://:secret-token@127.0.0.1:{port}/hook\n")
    return '[route.chat]\nby = "apprise"\nurl_file = "chat-url"\ngap_seconds = 0\n'


def test_a_webhook_is_told_by_apprise(tmp_path: Path) -> None:
    with webhook() as server, telling(tmp_path, chat(tmp_path, server.server_port)) as site:
        told = alert(match=match(), severity=Severity.CRITICAL)
        site.archive([told])
        posted = server.posted.get(timeout=WAIT)
        assert posted["title"] == "[Vedette] CRITICAL: host-7: a listed program"
        assert posted["type"] == "failure"
        assert str(told.id) in posted["message"]
        assert "http://" not in posted["message"]
        server.status = 500
        site.archive([alert()])
        site.await_line("the service of chat-url does not take it")
        server.status = 200
        server.posted.get(timeout=WAIT)
        assert "secret-token" not in "".join(site.said)


def test_a_route_that_fails_is_told_once_on_the_others_and_that_it_works_again(tmp_path: Path) -> None:
    away = MailServer()
    with sysloghost.serving() as host:
        siem = f'[route.siem]\nby = "syslog"\nover = "tcp"\nserver = "localhost:{host.port}"\n'
        siem += 'severity = "critical"\n'
        text = f"trouble_minutes = 0\n{settings(away, siem)}"
        with telling(tmp_path, text) as site:
            site.archive([alert(), alert(summary="another")])
            event = host.next()
            assert event.kind == "notify"
            assert "nobody is told on the route officer/officer@school.example since " in event.body
            site.await_line("not sent")
            with serving(away):
                assert "the route officer/officer@school.example works again" in host.next().body
                mail = text_of(away.next())
                assert "nobody is told" not in mail
            assert host.events.empty()


def test_routes_that_all_fail_do_not_tell_of_one_another_for_ever(tmp_path: Path) -> None:
    first, second = MailServer(), MailServer()
    siem = f'[route.siem]\nby = "syslog"\nover = "tcp"\nserver = "127.0.0.1:{second.port}"\n'
    text = f"trouble_minutes = 0\n{settings(first, siem)}"
    with telling(tmp_path, text) as site:
        site.archive([alert()])
        site.await_lines("officer/officer@school.example: not sent", "siem: not sent")
        with serving(first):
            assert "host-7" in text_of(first.next())
            assert "nobody is told on the route siem since" in text_of(first.next())
        assert site.stop() == 0
        assert first.is_quiet


def test_an_edit_is_taken_up_and_one_that_can_not_be_used_is_said(tmp_path: Path) -> None:
    first, second = MailServer(), MailServer()
    with serving(first), serving(second), telling(tmp_path, settings(first)) as site:
        site.settings.write_text("[route.x]\n")
        site.await_line("going on as before: ")
        site.archive([alert(summary="to the first")])
        assert "to the first" in text_of(first.next())
        site.settings.write_text(settings(second))
        site.await_line("following")
        site.archive([alert(summary="to the second")])
        assert "to the second" in text_of(second.next())
        assert first.is_quiet
        site.settings.write_text(settings(first).replace("officer", "other") + 'digest = "daily"\n')
        site.await_line("following")
        site.archive([alert(summary="waits")])
        until(lambda: "1 alert," in site.call("check").stdout, "it waits", WAIT)
        site.settings.write_text(settings(second))
        site.await_line("other/other@school.example is no route any more, and what waits for it is kept")


def test_no_edit_ends_what_is_told_not_even_where_what_was_good_is_so_no_more(tmp_path: Path) -> None:
    secret = write(tmp_path / "password", "correct horse")
    with serving(MailServer()) as server, webhook() as service:
        text = settings(server, chat(tmp_path, service.server_port))
        with telling(tmp_path, text) as site:
            (tmp_path / "chat-url").chmod(0o644)
            for edit in ("\0" * 99, "x = " + "[" * 50_000, text + "gap_seconds = 0.5", text + "\n", ""):
                site.settings.write_text(edit)
                site.await_line("going on as before: ")
            site.settings.write_text(f'queue = "{secret}/queue.db"\n{settings(server)}')
            site.await_line("password/queue.db: can't be opened: Not a directory")
            site.settings.unlink()
            site.await_line("going on as before: ")
            site.archive([alert(summary="told all the same")])
            assert "told all the same" in text_of(server.next())
            assert site.stop() == 0
        assert "secret-token" not in "".join(site.said)


def test_prometheus_sees_when_nothing_is_followed_any_more(tmp_path: Path) -> None:
    port = brokers.free_port()
    with telling(tmp_path, f'metrics = "127.0.0.1:{port}"\n{settings(MailServer())}') as site:
        name = "vedette_notify_archive_seen_seconds"
        until(lambda: samples(port)[name] > 0, "it is followed", WAIT)
        site.writer.close()
        with sqlite3.connect(tmp_path / "archive.db") as database:
            database.execute("DROP TABLE alerts")
        database.close()
        site.await_line("archive.db")
        seen = samples(port)[name]
        until(lambda: time.time() > seen + 3 * LOOK_SECONDS, "it has looked again", WAIT)
        assert samples(port)[name] == seen


def test_what_was_archived_before_it_ever_ran_is_not_told(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server), start=False) as site:
        long_ago = datetime.now(UTC) - timedelta(minutes=10)
        site.archive([alert(summary="long ago", at=long_ago), alert(summary="just now")])
        site.start()
        assert "just now" in text_of(server.next())
        site.archive([alert(summary="now")])
        assert "now" in text_of(server.next())
        assert site.stop() == 0
        assert server.is_quiet


def test_an_archive_that_is_made_later_is_told_from_its_beginning(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server), start=False) as site:
        site.writer.close()
        for path in tmp_path.glob("archive.db*"):
            path.unlink()
        site.start(until="is not there yet")
        with Writer(tmp_path / "archive.db") as writer:
            writer.store(Batch(alerts=(alert(summary="the first of all"),)))
            assert "the first of all" in text_of(server.next())


def test_in_the_place_of_an_archive_another_is_followed_and_nothing_told_again(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server)) as site:
        known = alert(summary="known")
        site.archive([known])
        assert "known" in text_of(server.next())
        with Writer(tmp_path / "restored.db") as writer:
            writer.store(Batch(alerts=(known, alert(summary="missed"))))
        for suffix in ("-wal", "-shm", ""):
            (tmp_path / f"archive.db{suffix}").unlink(missing_ok=True)
        (tmp_path / "restored.db").rename(tmp_path / "archive.db")
        mail = text_of(server.next())
        assert "missed" in mail
        assert "host-7: known" not in mail


def test_the_queue_is_its_owners_alone_and_one_notifiers(tmp_path: Path) -> None:
    with telling(tmp_path, settings(MailServer())) as site:
        for path in tmp_path.glob("notify-queue.db*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        done = site.call("run")
        assert done.returncode == 2
        assert "another notifier tells what waits there; end it first" in done.stderr


def test_check_says_what_each_route_does_and_what_waits(tmp_path: Path) -> None:
    text = settings(MailServer(), 'hours = ["mon-fri 07:00-17:00"]\ndetectors = ["listed-*"]')
    with telling(tmp_path, text) as site:
        site.archive([alert(summary="x"), alert(summary="y")])
        done = site.call("check")
        assert (done.returncode, done.stderr) == (0, "")
        assert "by email to officer@school.example, through the mail server 127.0.0.1:" in done.stdout
        assert "medium or graver, of all hosts, detectors listed-*" in done.stdout
        assert "mon-fri 07:00-17:00; what comes outside of them waits" in done.stdout
        assert "not       user, subject, title" in done.stdout


def test_check_tells_programs_the_same_and_no_secret(tmp_path: Path) -> None:
    write(tmp_path / "password", "correct horse")
    write(tmp_path / "chat-url", "json://:secret-token@127.0.0.1/hook")
    login = 'user = "vedette"\npassword_file = "password"'
    more = '[route.chat]\nby = "apprise"\nurl_file = "chat-url"\nseverity = "critical"\n'
    with telling(tmp_path, settings(MailServer(), more, login)) as site:
        site.archive([alert(summary="x"), alert(summary="y")])
        site.await_line("not sent")
        done = site.call("check", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        for secret in ("correct horse", "secret-token"):
            assert secret not in done.stdout + site.call("check").stdout + "".join(site.said)
        found = json.loads(done.stdout)
        assert found["officer"]["may_see"] == [*map(str, BY_DEFAULT)]
        assert found["chat"]["through"] == "the service of chat-url"
        waiting = found["officer"]["waiting"]["officer/officer@school.example"]
        assert waiting["alerts"] == 2
        assert "can't be reached" in waiting["why"]
        assert datetime.fromisoformat(waiting["fails_since"]).tzinfo is not None
        assert site.call("run", "--json").returncode == 2


def test_check_of_a_wrong_file_says_it_in_one_line(tmp_path: Path) -> None:
    with telling(tmp_path, "[route.x]\nby = 'email'\n", start=False) as site:
        for what in ("check", "run"):
            done = site.call(what)
            assert done.returncode == 2
            assert done.stderr.count("\n") == 1
            assert f"vedette-notifier: {site.settings}: " in done.stderr


def test_a_test_message_is_sent_past_the_queue(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server), start=False) as site:
        done = site.call("test", "officer")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("officer/officer@school.example: sent by the mail server")
        assert "this is a test of the route officer: nothing has happened" in text_of(server.next())
        assert not (tmp_path / "notify-queue.db").exists()
    with telling(tmp_path, settings(MailServer()), start=False) as site:
        done = site.call("test", "officer")
        assert done.returncode == 1
        assert "not sent: the mail server 127.0.0.1:" in done.stdout
        done = site.call("test", "nobody")
        assert done.returncode == 2
        assert "no route 'nobody' in " in done.stderr


def test_prometheus_reads_how_it_is(tmp_path: Path) -> None:
    port = brokers.free_port()
    away = MailServer()
    with telling(tmp_path, f'metrics = "127.0.0.1:{port}"\n{settings(away)}') as site:
        site.archive([alert()])
        site.await_line("not sent")
        found = samples(port)
        assert found["vedette_notify_waiting_alerts"] == 1.0
        assert found["vedette_notify_failures_total"] >= 1.0
        assert found["vedette_notify_failing_seconds"] > 0.0
        with serving(away):
            away.next()
            until(lambda: samples(port)["vedette_notify_waiting_alerts"] == 0.0, "nothing waits", WAIT)
        found = samples(port)
        assert (found["vedette_notify_messages_total"], found["vedette_notify_alerts_total"]) == (1.0, 1.0)
        assert found["vedette_notify_failing_seconds"] == 0.0


def samples(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=WAIT) as answer:
        text = answer.read().decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
