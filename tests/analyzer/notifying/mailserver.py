"""A real mail server on loopback, which takes mail as a test tells it to."""

import asyncio
import queue
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests import brokers

WAIT = 20.0
TAKEN = "250 taken"
Taken = queue.SimpleQueue[tuple[str, EmailMessage]]


@dataclass
class MailServer:
    """`after_data` and `to` say what it answers; `password` is the one that it takes."""

    port: int = field(default_factory=brokers.free_port)
    after_data: Callable[[EmailMessage], str] = lambda _: TAKEN
    to: Callable[[str], str] = lambda _: "250 OK"
    seconds: float = 0.0
    password: str = "correct horse"
    taken: Taken = field(default_factory=queue.SimpleQueue[tuple[str, EmailMessage]])
    attempts: list[str] = field(default_factory=list[str])

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.to(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.attempts.append(str(mail["Message-ID"]))
        await asyncio.sleep(self.seconds)
        answer = self.after_data(mail)
        if answer.startswith("2"):
            for address in envelope.rcpt_tos:
                self.taken.put((address, mail))
        return answer

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == self.password.encode(), handled=False)

    def next(self, within: float = WAIT) -> EmailMessage:
        return self.taken.get(timeout=within)[1]

    @property
    def is_quiet(self) -> bool:
        return self.taken.empty()


@contextmanager
def serving(server: MailServer, tls: ssl.SSLContext | None = None, **more: Any) -> Generator[MailServer]:
    """Serve until the block ends; with `tls` by STARTTLS and to none else."""
    if tls is not None:
        more |= {"tls_context": tls, "require_starttls": True}
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **more)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())
