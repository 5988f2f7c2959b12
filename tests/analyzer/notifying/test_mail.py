"""Alerts by e-mail: a real notifier, a real archive, a real mail server."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from vedette_schemas import Severity, State

from tests.analyzer.notifying.mailserver import TAKEN, MailServer, html_of, serving, text_of
from tests.analyzer.notifying.telling import Telling, alert, match, origin, telling

pytestmark = pytest.mark.system

OFFICER = "officer@school.example"


def settings(server: MailServer, more: str = "", mail: str = 'tls = "none"') -> str:
    return f"""
[mail]
host = "127.0.0.1"
port = {server.port}
sender = "vedette@school.example"
{mail}
[route.officer]
by = "email"
to = ["{OFFICER}"]
gap_seconds = 0
{more}
"""


def test_an_alert_is_mailed_once_in_text_and_html(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server)) as site:
        told = alert(match=match(), origin=origin(), summary="what was copied is listed")
        site.archive([told])
        mail = server.next()
        assert mail["To"] == OFFICER
        assert mail["Subject"] == "[Vedette] HIGH: host-7: what was copied is listed"
        assert mail["Auto-Submitted"] == "auto-generated"
        for body in (text_of(mail), html_of(mail)):
            assert str(told.id) in body
            assert "hxxp://evil[.]example/x" in body
            assert "blocklist.csv, line 12: a lure" in body
            assert "what-was-copied" not in body
            assert "what anna reads" not in body
            assert "http://" not in body
        assert site.stop() == 0
        assert server.is_quiet


def test_what_waits_while_the_mail_server_is_away_comes_when_it_is_back(tmp_path: Path) -> None:
    server = MailServer()
    with telling(tmp_path, settings(server)) as site:
        site.archive([alert(summary="while it was away")])
        assert "can't be reached" in site.await_line("not sent")
        site.kill()
        site.archive([alert(summary="while all was away")])
        with serving(server):
            site.start()
            assert "while it was away" in text_of(server.next())
            assert "while all was away" in text_of(server.next())
            assert site.stop() == 0
        assert server.is_quiet


def test_greylisted_mail_comes_again_under_the_same_name(tmp_path: Path) -> None:
    server = MailServer()

    def grey(_: EmailMessage) -> str:
        return "451 4.7.1 come back later" if len(server.attempts) < 2 else TAKEN

    server.after_data = grey
    with serving(server), telling(tmp_path, settings(server)) as site:
        site.archive([alert()])
        mail = server.next()
        assert server.attempts == [mail["Message-ID"]] * 2
        site.await_line("works again")


def test_killed_between_sending_and_noting_it_sends_again_under_the_same_name(tmp_path: Path) -> None:
    server = MailServer()
    site: Telling

    def kill(_: EmailMessage) -> str:
        if len(server.attempts) == 1:
            site.kill()
        return TAKEN

    server.after_data = kill
    with serving(server), telling(tmp_path, settings(server)) as site:
        told = alert()
        site.archive([told])
        first = server.next()
        site.start()
        again = server.next()
        assert again["Message-ID"] == first["Message-ID"]
        assert str(told.id) in text_of(again)
        assert site.stop() == 0
        assert server.is_quiet


def test_words_that_are_refused_after_all_was_sent_are_replaced_by_ids(tmp_path: Path) -> None:
    def filtered(mail: EmailMessage) -> str:
        return "554 5.7.1 malicious content" if "lure" in text_of(mail) else TAKEN

    with serving(MailServer(after_data=filtered)) as server, telling(tmp_path, settings(server)) as site:
        told = alert(match=match())
        site.archive([told])
        mail = server.next()
        assert str(told.id) in text_of(mail)
        assert "lure" not in text_of(mail)
        assert mail["Message-ID"] == server.attempts[0] == server.attempts[1]


def test_an_alert_waits_for_what_came_of_it_and_is_told_once(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server)) as site:
        pending = alert(state=State.PENDING, done="ending game")
        site.archive([pending])
        site.archive([pending.model_copy(update={"state": State.FINAL, "done": "ended game"})])
        assert "ended game" in text_of(server.next())
        assert site.stop() == 0
        assert server.is_quiet


def test_what_came_late_answers_the_mail_that_told_it_as_pending(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server)) as site:
        pending = alert(state=State.PENDING, done="ending game")
        site.archive([pending])
        first = server.next()
        assert "ending game" in text_of(first)
        site.archive([pending.model_copy(update={"state": State.FINAL, "done": "ended game"})])
        second = server.next()
        assert second["In-Reply-To"] == first["Message-ID"] != second["Message-ID"]
        assert "ended game" in text_of(second)
        late = {"state": State.FINAL, "done": "game would not end"}
        site.archive([pending.model_copy(update=late)])
        third = server.next()
        assert third["In-Reply-To"] == first["Message-ID"]
        assert len({mail["Message-ID"] for mail in (first, second, third)}) == 3
        assert "game would not end" in text_of(third)


def test_repeats_are_counted_in_the_next_message(tmp_path: Path) -> None:
    with serving(MailServer()) as server, telling(tmp_path, settings(server)) as site:
        site.archive([alert(summary="again and again")])
        assert "times" not in str(server.next()["Subject"])
        site.archive([alert(summary="again and again") for _ in range(7)])
        site.archive([alert(summary="something else", severity=Severity.LOW)])
        site.archive([alert(summary="something worse", severity=Severity.CRITICAL)])
        mail = server.next()
        assert mail["Subject"] == "[Vedette] 8 alerts, the gravest critical: host-7: something worse"
        assert "host-7: again and again (7 times)" in text_of(mail)
        assert "something else" not in text_of(mail)


def test_one_mailbox_that_is_refused_does_not_keep_mail_from_the_others(tmp_path: Path) -> None:
    def only_officer(address: str) -> str:
        return "250 OK" if address == OFFICER else "550 5.1.1 no such mailbox"

    more = '[route.hr]\nby = "email"\nto = ["hr@school.example"]\n'
    with serving(MailServer(to=only_officer)) as server, telling(tmp_path, settings(server, more)) as site:
        site.archive([alert(summary="for both")])
        mails = [text_of(server.next()), text_of(server.next())]
        assert "for both" in mails[0]
        assert "nobody is told on the route hr/hr@school[.]example" in mails[1]
        assert "550 5.1.1 no such mailbox" in mails[1]
        assert "[route" not in site.said
