"""The application: all pages, what is answered when something goes wrong, and what holds for each answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from vedette_schemas import VedetteError
from vedette_transport.entry import program_version

from .api import make_api
from .guard import LOOPBACK, Guard
from .live import Region
from .pages.listed import PAGES
from .rendering import HERE, render, segment
from .settings import ConsoleSettings
from .site import Site
from .turns import TooMuchError
from .visits import SESSION, ForbiddenError, NotSignedInError, PasswordDueError, frame, signed_in, site_of

log = logging.getLogger(__name__)

_STATIC = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_WORDS = {404: "There is no such page.", 408: "That took too long to come.", 413: "That is too large."}
_FOREVER = "public, max-age=31536000, immutable"


def make_app(site: Site) -> Guard:
    """Return the console as an ASGI application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        following = asyncio.create_task(site.live.follow())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    app = FastAPI(title="Vedette", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.site = site
    app.state.version = program_version()
    app.state.navigation = [page for page in PAGES if page.title]
    app.mount("/api/v1", make_api(site))
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    app.get("/static/{path:path}", include_in_schema=False)(_static)
    app.get("/health", include_in_schema=False)(_health)
    app.exception_handler(NotSignedInError)(_not_signed_in)
    app.exception_handler(PasswordDueError)(_password_due)
    app.exception_handler(ForbiddenError)(_forbidden)
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(VedetteError)(_trouble)
    app.exception_handler(Exception)(_failed)
    return Guard(app, known_names(site.settings))


def regions(settings: ConsoleSettings) -> dict[str, Region]:
    """Return the parts of all pages that renew themselves, by name."""
    return {name: region for page in PAGES for name, region in page.regions(settings).items()}


def known_names(settings: ConsoleSettings) -> frozenset[str] | None:
    """Return the names that we answer under; `None`: any, since browsers check our certificate for it."""
    if settings.speaks_tls and not settings.names:
        return None
    return LOOPBACK | {*settings.names, settings.listen.host.lower()}


def _static(path: str) -> Response:
    """Return a file of ours; its address changes with its content."""
    root = (HERE / "static").resolve()
    try:
        file = (root / path).resolve()
        known = _STATIC.get(file.suffix) if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError):  # no name of a file at all
        raise HTTPException(404) from None
    if known is None:
        raise HTTPException(404)
    return FileResponse(file, media_type=known, headers={"Cache-Control": _FOREVER})


def _health(request: Request) -> Response:
    """Tell whoever asks whether the archive can be read and the broker is there."""
    site = site_of(request)
    try:
        with site.archives.reading() as reader:
            reader.newest_cursor()
    except VedetteError as error:
        log.warning("%s", error)
        return Response("the archive can't be read\n", 503, media_type="text/plain")
    if not site.desk.is_connected:
        return Response("the broker is away\n", 503, media_type="text/plain")
    return Response("well\n", media_type="text/plain")


def _not_signed_in(request: Request, _: Exception) -> Response:
    if request.method != "GET" or request.url.path == "/live":
        return Response("sign in first\n", 401, media_type="text/plain")
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in" if back == "/" else f"/sign-in?back={segment(back)}", 303)


def _password_due(_request: Request, _: Exception) -> Response:
    return RedirectResponse("/password", 303)


def _forbidden(request: Request, error: Exception) -> Response:
    return _problem(request, 403, str(error))


def _not_valid(request: Request, error: Exception) -> Response:
    found: list[dict[str, tuple[object, ...]]] = []
    if isinstance(error, RequestValidationError):
        found = [*error.errors()]
    names = sorted({str(problem["loc"][-1]) for problem in found})
    return _problem(request, 400, f"That address asks for something that is not there: {', '.join(names)}.")


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _problem(request, status, _WORDS.get(status, "That can't be asked for here."))


def _trouble(request: Request, error: Exception) -> Response:
    if isinstance(error, TooMuchError):
        return _problem(request, 429, f"{error}.")
    log.warning("%r: %s", request.url.path, error)
    return _problem(request, 503, f"{error}.")


def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, VedetteError):  # it came too late for a page that says so
        log.warning("%r was broken off: %s", request.url.path, error.__cause__)
    else:
        log.error("%r failed", request.url.path, exc_info=error)
    return _problem(request, 500, "That went wrong here. The console's log says why.")


def _problem(request: Request, status: int, words: str) -> Response:
    """Return a page that says what is wrong."""
    secret = request.cookies.get(SESSION, "")
    try:
        account = signed_in(site_of(request), secret)
    except VedetteError:
        account = None
    shown = {**frame(request, account, secret), "note": None, "words": words, "status": status}
    return HTMLResponse(render("problem.html", shown), status)
