"""Mail servers as they are: with TLS and login, slow, not to be trusted; and hostile text in mail."""

import ssl
from html.parser import HTMLParser
from pathlib import Path

import pytest
from vedette_schemas import Severity

from tests import identities
from tests.analyzer.notifying.mailserver import MailServer, html_of, serving, text_of
from tests.analyzer.notifying.routes import write
from tests.analyzer.notifying.telling import alert, match, origin, telling
from tests.analyzer.notifying.test_mail import settings

pytestmark = pytest.mark.system

LOGIN = 'user = "vedette"\npassword_file = "password"\nca = "server/ca.pem"\n'
HOSTILE = '<script>alert(1)</script>\r\nBcc: all@school.example\r\n\r\n\u202eevil\x00 <img src="http://evil.example/">'


def secured(folder: Path) -> ssl.SSLContext:
    files = identities.identity(identities.authority(), "broker@0", folder / "server").folder.files()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    write(folder / "password", "correct horse\n")
    return context


def test_mail_goes_by_verified_tls_with_a_login(tmp_path: Path) -> None:
    context, server = secured(tmp_path), MailServer()
    with (
        serving(server, context, authenticator=server.authenticate, auth_required=True),
        telling(tmp_path, settings(server, mail=LOGIN)) as site,
    ):
        site.archive([alert(summary="a secret matter")])
        assert "a secret matter" in text_of(server.next())


def test_a_wrong_password_is_said_without_it_and_mended_by_an_edit(tmp_path: Path) -> None:
    context, server = secured(tmp_path), MailServer()
    write(tmp_path / "password", "wrong-password-4711\n")
    with (
        serving(server, context, authenticator=server.authenticate, auth_required=True),
        telling(tmp_path, settings(server, mail=LOGIN)) as site,
    ):
        site.archive([alert()])
        assert "refuses the login: 535" in site.await_line("not sent")
        assert "4711" not in "".join(site.said)
        write(tmp_path / "password", "correct horse\n")
        server.next()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_that_is_not_to_be_trusted_gets_neither_mail_nor_password(tmp_path: Path, tls: str) -> None:
    context, server = secured(tmp_path), MailServer()
    mail = f'user = "vedette"\npassword_file = "password"\ntls = "{tls}"\n'
    more = {"ssl_context": context} if tls == "tls" else {}
    with (
        serving(server, None if tls == "tls" else context, authenticator=server.authenticate, **more),
        telling(tmp_path, settings(server, mail=mail)) as site,
    ):
        site.archive([alert()])
        assert "is not to be trusted: " in site.await_line("not sent")
        assert server.attempts == []


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    write(tmp_path / "password", "correct horse\n")
    mail = 'user = "vedette"\npassword_file = "password"\n'
    with serving(MailServer()) as server, telling(tmp_path, settings(server, mail=mail)) as site:
        site.archive([alert()])
        assert "STARTTLS" in site.await_line("not sent")
        assert server.attempts == []


def test_a_slow_server_holds_up_nobody_else_and_is_tried_again(tmp_path: Path) -> None:
    slow = MailServer(seconds=60.0)
    more = f"""
[route.siem]
by = "syslog"
over = "udp"
server = "127.0.0.1:{slow.port}"
"""
    with (
        serving(slow),
        telling(tmp_path, settings(slow, more, 'tls = "none"\ntimeout_seconds = 1')) as site,
    ):
        site.archive([alert()])
        site.await_line("not sent")
        slow.seconds = 0.0
        slow.next()
        assert len(set(slow.attempts)) == 1


class Page(HTMLParser):
    """What a mail program would make of a mail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [name for name, _ in attrs if name in {"href", "src", "action", "srcset"}]


def test_hostile_text_makes_neither_headers_nor_markup_nor_links(tmp_path: Path) -> None:
    sees = 'may_see = ["host", "summary", "indicator", "subject", "title", "done"]\nseverity = "info"'
    with serving(MailServer()) as server, telling(tmp_path, settings(server, sees)) as site:
        found = match(value=HOSTILE, subject=HOSTILE, comment=HOSTILE)
        site.archive(
            [
                alert(
                    summary=HOSTILE,
                    done=HOSTILE,
                    match=found,
                    origin=origin(excerpt=HOSTILE),
                    severity=Severity.INFO,
                    detector=HOSTILE[:64],
                ),
                alert(summary=f"{HOSTILE}2"),
            ]
        )
        mail = server.next()
        assert mail["Bcc"] is None
        assert mail["To"] == "officer@school.example"
        page = Page(html_of(mail))
        assert not page.tags & {"script", "img", "a", "link", "iframe"}
        assert page.addresses == []
        for text in (text_of(mail), html_of(mail), str(mail["Subject"])):
            assert not [c for c in text if c in "\u202e\x00"]
            assert "http://" not in text
            assert "\nBcc:" not in text
        assert not [line for line in mail.as_bytes().splitlines() if len(line) > 998]
