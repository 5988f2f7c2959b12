"""Who asks for a page, and whether they may have it."""

import secrets
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from .accounts import Account
from .rendering import ISLANDS, render
from .roles import What, may
from .sessions import form_token, is_form_token
from .site import Site

SESSION, VISIT, KNOWN = "__Host-vedette", "__Host-vedette-visit", "__Host-vedette-known"
"""Cookies: of who is signed in, of who is about to, and of who has done so before."""

_NOTE = "__Host-vedette-note"
_NOTE_SECONDS = 20
_MOST_NOTE = 600
_MOST_BACK = 2_000


class NotSignedInError(Exception):
    """Nobody is signed in."""


class PasswordDueError(Exception):
    """A one-time password has to be replaced first."""


class ForbiddenError(Exception):
    """An account may not do that; the text is for its owner."""


@dataclass(slots=True)
class Visit:
    """One request of somebody who is signed in, and may do what it asks for."""

    site: Site
    request: Request
    account: Account
    secret: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    form: FormData = field(default_factory=FormData)

    def may(self, what: What) -> bool:
        """Tell whether they may do that."""
        return may(self.account.role, what)

    def page(self, template: str, status: int = 200, **context: object) -> Response:
        """Return a page."""
        note = self.request.cookies.get(_NOTE, "")
        base = frame(self.request, self.account, self.secret)
        shown = {"note": _read_note(note), **base, "now": self.now, **context}
        response = HTMLResponse(render(template, shown), status)
        if note:
            response.delete_cookie(_NOTE, secure=True, httponly=True, samesite="strict")
        return response

    def back(self, note: str, *, good: bool = True, to: str = "") -> Response:
        """Return to where they came from, with a note to be shown there once."""
        where = to or local_path(str(self.form.get("back", ""))) or "/"
        response = RedirectResponse(where, 303)
        mark = "+" if good else "-"
        value = (mark + note[:_MOST_NOTE]).encode().hex()
        response.set_cookie(
            _NOTE, value, max_age=_NOTE_SECONDS, secure=True, httponly=True, samesite="strict"
        )
        return response

    def text(self, name: str, most: int = 1_000) -> str:
        """Return a field of the form, without blanks around it."""
        value = self.form.get(name, "")
        return value.strip()[:most] if isinstance(value, str) else ""


def remember(response: Response, name: str, secret: str, seconds: int | None = None) -> None:
    """Set a cookie that scripts can't read and other sites can't use; it ends with the browser, or then."""
    response.set_cookie(
        name, secret, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def site_of(request: Request) -> Site:
    """Return the console that a request came to."""
    return cast("Site", request.app.state.site)


def frame(request: Request, account: Account | None, secret: str) -> dict[str, object]:
    """Return what every page is given."""
    return {
        "account": account,
        "form_token": form_token(secret),
        "path": request.url.path,
        "address": _address(request),
        "has_islands": ISLANDS.exists(),
        "version": request.app.state.version,
        "navigation": request.app.state.navigation,
    }


def visiting(what: What) -> Callable[[Request], AsyncGenerator[Visit]]:
    """Return what lets those in who may do that, to read."""

    async def visit(request: Request) -> AsyncGenerator[Visit]:
        found = await run_in_threadpool(_visit, request, what)
        async with found.site.turns.of(found.account.name):
            yield found

    return visit


def posting(what: What, *, password_due: bool = False) -> Callable[[Request], AsyncGenerator[Visit]]:
    """Return what lets those in who may do that, from a form on a page of ours.

    With `password_due` also those who have to choose a password first.
    """

    async def visit(request: Request) -> AsyncGenerator[Visit]:
        require_our_page(request)
        form = await request.form(max_files=0, max_fields=200)
        found = await run_in_threadpool(_visit, request, what, password_due=password_due)
        require_form_token(form, found.secret)
        found.form = form
        async with found.site.turns.of(found.account.name):
            yield found

    return visit


Looking = Annotated[Visit, Depends(visiting(What.LOOK))]
Acting = Annotated[Visit, Depends(posting(What.ACT))]
Triaging = Annotated[Visit, Depends(posting(What.TRIAGE))]


def require_our_page(request: Request) -> None:
    """Raise `ForbiddenError` unless a page of ours sent the form: browsers say whose page it was."""
    origin = request.headers.get("origin", "")
    if origin != f"{request.url.scheme}://{request.headers.get('host', '')}":
        raise ForbiddenError("That did not come from a page of this console.")


def require_form_token(form: FormData, secret: str) -> None:
    """Raise `ForbiddenError` unless the form was made for that cookie."""
    token = form.get("token", "")
    if not isinstance(token, str) or not secret or not is_form_token(token, secret):
        raise ForbiddenError("That page is from before you signed in. Load it anew.")


def new_visit(request: Request) -> str:
    """Return the secret of who is not signed in, for the form that signs in."""
    return request.cookies.get(VISIT) or secrets.token_urlsafe(32)


def _visit(request: Request, what: What, *, password_due: bool = False) -> Visit:
    site, secret = site_of(request), request.cookies.get(SESSION, "")
    account = signed_in(site, secret)
    if account is None:
        raise NotSignedInError
    if account.once and not password_due:
        raise PasswordDueError
    if not may(account.role, what):
        raise ForbiddenError(f"Your role, {account.role}, may not do that.")
    return Visit(site, request, account, secret)


def signed_in(site: Site, secret: str) -> Account | None:
    """Return whose session that is."""
    name = site.sessions.account(secret, datetime.now(UTC)) if secret else None
    return None if name is None else site.accounts.account(name)


def local_path(text: str) -> str:
    """Return a path of ours, and nothing that a browser takes for another site."""
    ok = (
        text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and text.isprintable()
        and "\\" not in text
    )
    return text if ok and text.isascii() and len(text) <= _MOST_BACK else ""


def _address(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def _read_note(value: str) -> tuple[bool, str] | None:
    """Return a note, and whether it is a good one."""
    try:
        text = bytes.fromhex(value).decode()
    except ValueError:
        return None
    return (text[0] == "+", text[1 : _MOST_NOTE + 1]) if text else None
