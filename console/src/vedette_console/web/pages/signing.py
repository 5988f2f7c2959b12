"""Signing in and out."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ..deeds import Deeds
from ..known import LIFE_SECONDS
from ..rendering import render
from ..roles import What
from ..signing_in import Refused
from ..site import Site
from ..visits import (
    KNOWN,
    SESSION,
    VISIT,
    Visit,
    frame,
    local_path,
    new_visit,
    posting,
    remember,
    require_form_token,
    require_our_page,
    signed_in,
    site_of,
)
from . import Page

router = APIRouter()
PAGE = Page(router)


@router.get("/sign-in")
def sign_in_page(request: Request, back: str = "/") -> Response:
    """Ask who it is."""
    if signed_in(site_of(request), request.cookies.get(SESSION, "")) is not None:
        return RedirectResponse(local_path(back) or "/", 303)
    return _form(request, back)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Let somebody in, or say why not."""
    require_our_page(request)
    form = await request.form(max_files=0, max_fields=20)
    require_form_token(form, request.cookies.get(VISIT, ""))
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    back, site = str(form.get("back", "")), site_of(request)
    address = request.client.host if request.client else ""
    found = await site.sign_in.come(name, password, address, request.cookies.get(KNOWN, ""))
    if isinstance(found, Refused):
        return _form(request, back, name, found)
    secret = await run_in_threadpool(_begin, site, found.name, address)
    response = RedirectResponse(local_path(back) or "/", 303)
    remember(response, SESSION, secret)
    remember(response, KNOWN, site.sign_in.mark(found.name), LIFE_SECONDS)
    response.delete_cookie(VISIT, secure=True, httponly=True, samesite="strict")
    return response


def _begin(site: Site, name: str, address: str) -> str:
    with site.store.writing():
        Deeds(site.store).note(name, "session.begin", f"signed in from {address or 'an unknown address'}")
        return site.sessions.begin(name, datetime.now(UTC))


@router.post("/sign-out")
def sign_out(visit: Annotated[Visit, Depends(posting(What.LOOK, password_due=True))]) -> Response:
    """End this session."""
    visit.site.sessions.end(visit.secret)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(SESSION, secure=True, httponly=True, samesite="strict")
    return response


def _form(request: Request, back: str, name: str = "", refused: Refused | None = None) -> Response:
    secret = new_visit(request)
    shown: dict[str, object] = {
        **frame(request, None, secret),
        "note": None,
        "back": local_path(back) or "/",
        "name": name[:64],
        "refused": refused,
    }
    status = 200 if refused is None else 429 if refused.wait else 403
    response = HTMLResponse(render("sign_in.html", shown), status)
    if refused is not None and refused.wait:
        response.headers["Retry-After"] = f"{refused.wait:.0f}"
    remember(response, VISIT, secret)
    return response
