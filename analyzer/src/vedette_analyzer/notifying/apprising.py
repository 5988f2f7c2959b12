"""Sends a message by apprise, which knows webhooks, Slack, Teams, ntfy and many more."""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

from vedette_schemas import SettingsError, Severity

from .composing import bare, text, words
from .posting import Post, Posted
from .queue import Outgoing
from .secure import read_secret
from .sending import NotSentError
from .settings import AppriseRoute

_PROGRAM = (sys.executable, "-P", "-m", "vedette_analyzer.notifying.posting")
_MOST_BODY = 4_000
_MENTION = re.compile(r"(?<!\w)@(?=\w)")

_AT_ONCE = asyncio.Semaphore(4)
"""Each takes some 70 MB while it posts."""

_START_SECONDS = 30
"""So long it may take until apprise is loaded, on a machine with much to do."""

_WORDS_REFUSED = {400, 413, 422}
_NEEDS_HELP = {*range(300, 400), 401, 403, 404, 405, 410}


class AppriseSender:
    """Sends on one route, to the one service that its URL names."""

    def __init__(
        self, route: AppriseRoute, name: str, zone: ZoneInfo, folder: Path, console: str = ""
    ) -> None:
        """Raise `SettingsError` where apprise is not installed, or its URL can't be used."""
        self._route, self._name, self._zone, self._console = route, name, zone, console
        self._path = folder / route.url_file
        self._look()

    async def send(self, outgoing: Outgoing) -> None:
        """Send it; raise `NotSentError` where the service does not take it."""
        message = outgoing.dispatch
        said = (
            bare(message, self._zone)
            if outgoing.refused
            else words(message, self._route, self._zone, self._console)
        )
        try:
            url = read_secret(self._path)
        except SettingsError as error:
            raise NotSentError(str(error), needs_help=True) from None
        posted = await self._posted(
            Post(
                url=url,
                title=_unmentioned(said.subject),
                body=_unmentioned(_short(text(said), message.count)),
                is_grave=message.gravest.newest.severity in (Severity.HIGH, Severity.CRITICAL),
                seconds=self._route.timeout_seconds,
            )
        )
        if not posted.is_known:
            raise NotSentError(f"{self._path}: holds no URL that apprise knows", needs_help=True)
        if not posted.is_sent:
            answer = "" if posted.status is None else f": HTTP {posted.status}"
            raise NotSentError(
                f"{self} does not take it{answer}",
                is_refused=posted.status in _WORDS_REFUSED,
                needs_help=posted.status in _NEEDS_HELP,
            )

    def __str__(self) -> str:
        """Return where it sends to, without what is secret."""
        return f"the service of {self._path.name}"

    async def _posted(self, what: Post) -> Posted:
        """Have a process of its own post it."""
        async with _AT_ONCE:
            return await self._post(what)

    async def _post(self, what: Post) -> Posted:
        process = await asyncio.create_subprocess_exec(
            *_PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # whole URLs may stand there
        )
        try:
            async with asyncio.timeout(what.seconds + _START_SECONDS):
                said, _ = await process.communicate(what.model_dump_json().encode())
        except TimeoutError:
            raise NotSentError(f"{self} does not answer in time") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == -signal.SIGALRM:
            raise NotSentError(f"{self} does not answer in time")
        if process.returncode != 0:
            raise NotSentError(f"{self} is not told: what posts to it ended with {process.returncode}")
        return Posted.model_validate_json(said)

    def _look(self) -> None:
        """Raise `SettingsError` where it can't be used."""
        if find_spec("apprise") is None:
            raise SettingsError(
                f"route {self._name}: apprise is not installed: install vedette-analyzer[apprise]"
            )
        asked = Post(url=read_secret(self._path)).model_dump_json().encode()
        with contextlib.suppress(subprocess.TimeoutExpired):  # then it is seen when something is to be sent
            done = subprocess.run(
                _PROGRAM,
                input=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=_START_SECONDS,
            )
            if done.returncode == 0 and not Posted.model_validate_json(done.stdout).is_known:
                raise SettingsError(f"{self._path}: holds no URL that apprise knows")


def _unmentioned(said: str) -> str:
    """Return words that call nobody: `@channel` in what is listed would call all who are in a chat."""
    return _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", said)


def _short(body: str, count: int) -> str:
    """Return as many lines as a service takes, and that it were more."""
    if len(body) <= _MOST_BODY:
        return body
    kept = body[:_MOST_BODY].rpartition("\n")[0]
    return f"{kept}\n… {count} alerts in all; the history has them"
