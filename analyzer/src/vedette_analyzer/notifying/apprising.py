"""Sends a message by apprise, which knows webhooks, Slack, Teams, ntfy and many more."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from vedette_schemas import SettingsError, Severity

from .composing import text, words
from .queue import Outgoing
from .sending import NotSentError
from .settings import AppriseRoute, read_secret

if TYPE_CHECKING:
    from apprise import Apprise

_MOST_BODY = 4_000


class AppriseSender:
    """Sends on one route, to the one service that its URL names."""

    def __init__(self, route: AppriseRoute, name: str, zone: ZoneInfo, folder: Path) -> None:
        """Raise `SettingsError` where apprise is not installed, or its URL can't be used."""
        self._route, self._name, self._zone = route, name, zone
        self._path = folder / route.url_file
        self._service()

    async def send(self, outgoing: Outgoing) -> None:
        """Send it; raise `NotSentError` where the service does not take it."""
        said = words(outgoing.dispatch, self._route, self._zone)
        body = _short(text(said), outgoing.dispatch.count)
        grave = outgoing.dispatch.gravest.newest.severity in (Severity.HIGH, Severity.CRITICAL)
        try:
            service = self._service()
            async with asyncio.timeout(self._route.timeout_seconds):
                is_sent = await service.async_notify(
                    body=body,
                    title=said.subject,
                    notify_type="failure" if grave else "warning",
                    body_format="text",
                    interpret_escapes=False,
                )
        except SettingsError as error:
            raise NotSentError(str(error), needs_help=True) from None
        except TimeoutError:
            raise NotSentError(f"{self} does not answer in time") from None
        if not is_sent:  # why is in its log alone, with secrets
            raise NotSentError(f"{self} does not take it")

    def __str__(self) -> str:
        """Return where it sends to, without what is secret."""
        return f"the service of {self._path.name}"

    def _service(self) -> "Apprise":
        for name in ("apprise", "urllib3"):  # they name whole URLs, with their secrets
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            from apprise import Apprise  # noqa: PLC0415 (an extra)
        except ImportError:
            raise SettingsError(
                f"route {self._name}: apprise is not installed: install vedette-analyzer[apprise]"
            ) from None
        service = Apprise()
        if not service.add(read_secret(self._path)):
            raise SettingsError(f"{self._path}: holds no URL that apprise knows")
        return service


def _short(body: str, count: int) -> str:
    """Return as many lines as a service takes, and that it were more."""
    if len(body) <= _MOST_BODY:
        return body
    kept = body[:_MOST_BODY].rpartition("\n")[0]
    return f"{kept}\n… {count} alerts in all; the history has them"
