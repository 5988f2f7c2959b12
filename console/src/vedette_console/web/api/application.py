"""`/api/v1` as an application of its own: tokens in place of cookies, JSON in place of pages."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from vedette_archive import ArchiveError, QueryError
from vedette_schemas import VedetteError

from ...acting import NotAnsweredError
from ..acting import NotAllowedError
from ..site import Site
from ..turns import TooMuchError
from .calling import BadTokenError
from .models import Problem
from .routes import router

log = logging.getLogger(__name__)

_STATUS = {QueryError: 400, NotAllowedError: 403, TooMuchError: 429, NotAnsweredError: 504, ArchiveError: 503}

PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": Problem, "description": words}
    for status, words in {
        400: "The question makes no sense.",
        401: "No token, or none that is good.",
        403: "The token is not good for that.",
        408: "The request took too long to come.",
        413: "Too large.",
        422: "The request does not fit this description.",
        429: "That is too much at once.",
        503: "The archive can't be read now.",
        504: "Nobody answered: it may still be done.",
    }.items()
}


def make_api(site: Site) -> FastAPI:
    """Return the interface as an application, to be mounted at `/api/v1`."""
    api = FastAPI(
        title="Vedette",
        version="1",
        description="What the console's pages show, and acts. Tokens: 'vedette console token add'.",
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
    )
    api.state.site = site
    api.include_router(router)
    api.exception_handler(BadTokenError)(_bad_token)
    api.exception_handler(RequestValidationError)(_not_valid)
    api.exception_handler(HTTPException)(_http_error)
    api.exception_handler(VedetteError)(_trouble)
    api.exception_handler(Exception)(_failed)
    return api


def _bad_token(_request: Request, _error: Exception) -> Response:
    return _problem(401, "a token is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})


def _not_valid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return _problem(422, "not as described")
    first = error.errors()[0]
    where = ".".join(str(step)[:40] for step in first["loc"])
    return _problem(422, f"{where}: {str(first['msg'])[:200]}")


def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers) if isinstance(error, HTTPException) and error.headers else {}
    return _problem(status, "there is nothing of that name, or it can't be asked for so", headers)


def _trouble(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
    if status >= 500:  # noqa: PLR2004
        log.warning("%r: %s", request.url.path, error)
    return _problem(status, str(error))


def _failed(request: Request, error: Exception) -> Response:
    log.error("%r failed", request.url.path, exc_info=error)
    return _problem(500, "that went wrong here: the console's log says why")


def _problem(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(Problem(words=words).model_dump(), status, headers=headers)
