"""Sends a message by e-mail, through one mail server."""

import asyncio
import contextlib
import os
import re
import socket
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from vedette_schemas import SettingsError

from .composing import email
from .queue import Outgoing
from .secure import ClientContext, certificate_trouble, is_not_trusted, read_secret
from .sending import NotSentError
from .settings import EmailRoute, MailServer

_PERMANENT = 500
_TOO_LARGE = 552
_QUIT_SECONDS = 2.0
_CALLS = 6
"""A server that answers each command at the last moment may take this many time-outs."""


class _Client(SMTP):
    """A client that parts at once: no server is waited for until it parts by TLS as well."""

    def close(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        super().close()


class Mailer:
    """Sends to one mailbox; a message has the same name each time."""

    def __init__(
        self, route: EmailRoute, to: str, server: MailServer, zone: ZoneInfo, folder: Path, console: str = ""
    ) -> None:
        """Raise `SettingsError` where certificates or password can't be used."""
        self._route, self._to, self._server, self._zone, self._console = route, to, server, zone, console
        self._context = ClientContext(server.ca and folder / server.ca)
        self._password_file = server.password_file and folder / server.password_file
        self._password()

    async def send(self, outgoing: Outgoing) -> None:
        """Send it; raise `NotSentError` where the mail server does not take it."""
        sender = self._server.sender
        mail = email(
            outgoing.dispatch,
            self._route,
            sender,
            self._to,
            self._zone,
            self._console,
            is_refused=outgoing.refused,
        )
        password = None
        try:
            password = self._password()
            async with asyncio.timeout(self._server.timeout_seconds * _CALLS):
                await self._hand_over(mail.as_bytes(), password)
        except SettingsError as error:
            raise NotSentError(str(error), needs_help=True) from None
        except TimeoutError:
            raise NotSentError(f"{self} does not answer in time") from None
        except (SMTPException, OSError, ValueError) as error:
            raise self._not_sent(error, _as_said(self._server.user or "", password)) from None

    def __str__(self) -> str:
        """Return where it sends to."""
        return f"the mail server {self._server.host}:{self._server.port}"

    async def _hand_over(self, mail: bytes, password: str | None) -> None:
        server = self._server
        client = _Client(
            hostname=server.host,
            port=server.port,
            local_hostname=_own_name(),
            timeout=server.timeout_seconds,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=None if server.tls == "none" else self._context.now(),
            username=server.user,
            password=password,
        )
        try:
            await client.connect()
            await client.sendmail(server.sender, [self._to], mail)
        finally:  # it has the message by now, or not: how it parts changes nothing
            with contextlib.suppress(SMTPException, OSError, TimeoutError):
                await client.quit(timeout=_QUIT_SECONDS)
            client.close()

    def _not_sent(self, error: Exception, secrets: Sequence[str]) -> NotSentError:
        if is_not_trusted(error):
            return NotSentError(f"{self} is not to be trusted: {certificate_trouble(error)}", needs_help=True)
        match error:
            case SMTPRecipientsRefused():
                return self._refusal(error.recipients[0], f"mail for {self._to}", secrets)
            case SMTPAuthenticationError():
                return self._refusal(error, "the login", secrets)
            case SMTPResponseException():
                return self._refusal(error, "it", secrets)
            case OSError():  # to connect failed, or what was connected is gone
                return NotSentError(f"{self} can't be reached: {_system_trouble(error)}")
            case _:
                why = f"{self}: {_without(secrets, str(error))}"
                return NotSentError(why, needs_help=isinstance(error, SMTPNotSupported))

    def _refusal(self, error: SMTPResponseException, what: str, secrets: Sequence[str]) -> NotSentError:
        is_final = error.code >= _PERMANENT
        is_refused = is_final and (isinstance(error, SMTPDataError) or error.code == _TOO_LARGE)
        return NotSentError(
            f"{self} refuses {what}: {error.code} {_without(secrets, error.message)}",
            is_refused=is_refused,
            needs_help=is_final and not is_refused,
        )

    def _password(self) -> str | None:
        return None if self._password_file is None else read_secret(self._password_file)


def _as_said(user: str, password: str | None) -> tuple[str, ...]:
    """Return a password as it is, and as it is said to a server, which may repeat it; the longest first."""
    if not password:
        return ()
    said = (f"\0{user}\0{password}", f"{user}\0{user}\0{password}", password)
    return (*(b64encode(each.encode()).decode().rstrip("=") for each in said), password)


def _without(secrets: Sequence[str], said: str) -> str:
    """Return what a server said, without what it may have repeated."""
    for secret in secrets:
        said = said.replace(secret, "…")
    return said


def _system_trouble(error: BaseException) -> str:
    """Return what the system says, which lies below the words of others."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno is not None and found.errno > 0:
            return os.strerror(found.errno)
        found = found.__cause__ or found.__context__
    return str(error)


def _own_name() -> str:
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", name) else "localhost"
