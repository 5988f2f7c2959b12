"""Which programs are let in: those with a token that is good for what they ask for."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from ..accounts import Account
from ..acting import NotAllowedError
from ..roles import What, may
from ..site import Site
from ..tokens import Tokens

_BEARER = HTTPBearer(auto_error=False, description="A token of 'vedette console token add'.")


class BadTokenError(Exception):
    """No token, or none that is good. Nobody guesses one: it has 256 bits."""


class Caller:
    """A program with a good token."""

    def __init__(self, site: Site, account: Account) -> None:
        """Let it act as that account."""
        self.site, self.account = site, account
        self.now = datetime.now(UTC)


def calling(what: What) -> Callable[..., AsyncGenerator[Caller]]:
    """Return what lets programs in whose token is good for that."""

    async def call(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> AsyncGenerator[Caller]:
        site = cast("Site", request.app.state.site)
        secret = credentials.credentials if credentials else ""
        caller = await run_in_threadpool(_caller, site, secret, what)
        async with site.turns.of(caller.account.name):
            yield caller

    return call


def _caller(site: Site, secret: str, what: What) -> Caller:
    token = Tokens(site.store).token(secret, datetime.now(UTC)) if secret else None
    if token is None:
        raise BadTokenError
    if not may(token.account.role, what):
        raise NotAllowedError("this token is not good for that")
    return Caller(site, token.account)


Reading = Annotated[Caller, Depends(calling(What.LOOK))]
Acting = Annotated[Caller, Depends(calling(What.ACT))]
