"""What the CA answers over HTTPS."""

import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from vedette_schemas import (
    MAX_REQUEST,
    Enrolment,
    Issued,
    MessageError,
    Refusal,
    SettingsError,
    VedetteError,
    decode,
    encode,
)
from vedette_transport.complaints import Complaints
from vedette_transport.renewal_token import BadRenewalError, read_renewal

from .certificates import Authority
from .issuing import BadSecretError, Issuer
from .limits import Failures
from .requests import BadRequestError

log = logging.getLogger(__name__)

_JSON = "application/json"
_MOST_WORDS = 1_000
_LOG_SAYS = "the CA can't do that now; its log says why"
_HERE = ("127.0.0.1", "::1")


class Web:
    """The pages of a CA: its certificate, its list of revocations, enrolment, renewal, health."""

    def __init__(
        self,
        authority: Authority,
        issuer: Issuer,
        public: Path,
        changed: Callable[[], None],
        trouble: Callable[[], str],
    ) -> None:
        """Answer with that issuer.

        `changed` is called after something may have been revoked; `trouble` tells what is not well.
        """
        self._authority, self._issuer, self._public = authority, issuer, public
        self._changed, self._trouble = changed, trouble
        self._failures = Failures()
        self._complaints = Complaints()
        self.app = Starlette(
            routes=[
                Route("/ca.pem", self._ca, methods=["GET"]),
                Route("/crl.pem", self._crl, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
                Route("/enrol", self._enrol, methods=["POST"]),
                Route("/renew", self._renew, methods=["POST"]),
            ],
            exception_handlers={Exception: _failed},
        )
        self.app.router.redirect_slashes = False

    async def _ca(self, _: Request) -> Response:
        return Response(self._authority.public(), media_type="application/x-pem-file")

    async def _crl(self, _: Request) -> Response:
        return Response((self._public / "crl.pem").read_bytes(), media_type="application/x-pem-file")

    async def _health(self, _: Request) -> Response:
        trouble = self._trouble()
        return (
            _refusal(503, trouble[:_MOST_WORDS]) if trouble else Response("well\n", media_type="text/plain")
        )

    async def _enrol(self, request: Request) -> Response:
        def enrol(body: bytes, now: datetime) -> Issued:
            return self._issuer.enrol(decode(Enrolment, body), now)

        return await self._answer(request, enrol)

    async def _renew(self, request: Request) -> Response:
        def renew(body: bytes, now: datetime) -> Issued:
            return self._issuer.renew(read_renewal(body, self._authority.certificate, now), now)

        return await self._answer(request, renew)

    async def _answer(self, request: Request, do: Callable[[bytes, datetime], Issued]) -> Response:
        address = request.client.host if request.client else ""
        if (wait := self._failures.wait(address, time.monotonic())) > 0:
            return _refusal(429, f"too many failed; ask again in {math.ceil(wait)} s", wait)
        body = await _body(request)
        if body is None:
            return _refusal(413, f"a request has at most {MAX_REQUEST} bytes")
        try:
            issued = do(body, datetime.now(UTC))
        except (BadRequestError, BadRenewalError, MessageError) as error:
            self._failures.count(address, time.monotonic())
            self._complain(request.url.path, address, error)
            return _refusal(403 if isinstance(error, BadSecretError) else 400, str(error))
        except SettingsError as error:
            log.error("%s from %s: %s", request.url.path, address, error)  # noqa: TRY400
            return _refusal(503, _LOG_SAYS)
        self._changed()
        return Response(encode(issued), media_type=_JSON)

    def _complain(self, path: str, address: str, error: VedetteError) -> None:
        if (count := self._complaints.one_more()) is not None:
            log.warning("refused %s from %s: %s (%d refused so far)", path, address, error, count)


async def _body(request: Request) -> bytes | None:
    """Return the body, `None` if it is too long."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_REQUEST:
                return None
    except ClientDisconnect:
        return None
    return body


def _failed(request: Request, error: Exception) -> Response:
    log.error("%s failed", request.url.path, exc_info=error)
    return _refusal(500, _LOG_SAYS)


def _refusal(status: int, words: str, wait: float = 0.0) -> Response:
    headers = {"Retry-After": str(math.ceil(wait))} if wait else None
    return Response(encode(Refusal(words=words)), status, headers, _JSON)
