"""Mail as it is written: its headers hold what hosts sent as words, and nothing else."""

import unicodedata
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vedette_analyzer.notifying.composing import email, words
from vedette_analyzer.notifying.dispatch import Dispatch, Item, Waiting, dispatch
from vedette_analyzer.notifying.settings import EmailRoute
from vedette_analyzer.notifying.showing import Sight, shown
from vedette_schemas import Alert

from tests.analyzer.notifying.routes import BERLIN, route
from tests.analyzer.notifying.telling import alert, match, origin

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SEES = route(may_see=[sight.value for sight in Sight])
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Vedette-Severity",
    "MIME-Version",
    "Content-Type",
]
PIECES = [
    "=?utf-8?q?",
    "=?utf-8?b?DQpCY2M6IGFAYi5j?=",
    "=0D=0ABcc:_a@b.c",
    "?=",
    "=",
    "?",
    " ",
    "\r\n",
    "\t",
    "é",
    "a" * 70,
]


def of(*told: Alert) -> Dispatch:
    items = [Item(newest=shown(each, SEES.may_see), count=1, first_at=NOW, last_at=NOW) for each in told]
    return dispatch("officer/a@school.example", tuple(Waiting("", item, NOW) for item in items), NOW)


def mailed(text: str) -> bytes:
    assert isinstance(SEES, EmailRoute)
    found = match(value=text[:900], subject=text, comment=text)
    message = of(alert(summary=text or "x", done=text or "x", match=found, origin=origin(excerpt=text[:300])))
    return email(message, SEES, "vedette@school.example", "a@school.example", BERLIN).as_bytes()


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=20).map("".join))
@example("=?utf-8?q?x=0D=0ABcc:_all@school.example?=")
@example("=?utf-8?b?DQpCY2M6IGFsbEBzY2hvb2wuZXhhbXBsZQ==?= y")
@example("=?utf-8?q?=E2=80=AEgnp.exe?=")
@example("a" * 1_000)
@example("é" * 1_000)
def test_a_subject_never_holds_another_header_nor_what_was_made_harmless(text: str) -> None:
    mail = message_from_bytes(mailed(text[:1_000]), policy=compat32)
    assert mail.keys() == HEADERS
    subject = str(make_header(decode_header("".join(str(mail["Subject"]).splitlines()))))
    assert subject.strip().startswith("[Vedette] HIGH: host-7")
    assert not [c for c in subject if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}]


def test_a_message_leads_to_the_console_where_one_is_named() -> None:
    first, second = alert(), alert()
    console = "https://vedette.school.example:8443"
    assert words(of(first), SEES, BERLIN, console).footer.endswith(f" {console}/alerts/{first.id}/incident")
    assert words(of(first, second), SEES, BERLIN, console).footer.endswith(f" {console}/alerts")
    assert "http" not in words(of(first), SEES, BERLIN).footer


def test_the_server_is_called_so() -> None:
    assert words(of(alert(host="0", summary="a test")), SEES, BERLIN).headline == "HIGH: server: a test"


@pytest.mark.parametrize("text", ["a" * 1_000, "é" * 1_000, "=" * 1_000])
def test_a_text_without_a_blank_makes_no_line_too_long_for_mail(text: str) -> None:
    assert max(map(len, mailed(text).splitlines())) <= 998
