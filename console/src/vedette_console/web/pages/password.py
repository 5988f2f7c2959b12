"""Choosing a password: for who wants another, and for who has a one-time one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response
from vedette_schemas import SettingsError

from ..known import LIFE_SECONDS
from ..passwords import LEAST
from ..roles import What
from ..visits import KNOWN, SESSION, NotSignedInError, Visit, posting, remember, signed_in, site_of
from . import Page

router = APIRouter()
PAGE = Page(router)


@router.get("/password")
def password_page(request: Request) -> Response:
    """Ask for a new password."""
    site, secret = site_of(request), request.cookies.get(SESSION, "")
    account = signed_in(site, secret)
    if account is None:
        raise NotSignedInError
    return Visit(site, request, account, secret).page("password.html", least=LEAST, trouble="")


@router.post("/password")
def choose(visit: Annotated[Visit, Depends(posting(What.LOOK, password_due=True))]) -> Response:
    """Take a new password; all sessions of the account end, and this one begins anew."""
    site, name = visit.site, visit.account.name
    old, new, again = (str(visit.form.get(field, "")) for field in ("old", "new", "again"))
    trouble = ""
    if new != again:
        trouble = "The two new passwords differ."
    elif new == old:
        trouble = "The new password is the old one."
    elif not (trouble := site.sign_in.check(name, old)):
        try:
            site.accounts.choose(name, new, visit.now)
        except SettingsError as error:
            trouble = f"{str(error)[:1].upper()}{str(error)[1:]}."
    if trouble:
        return visit.page("password.html", 400, least=LEAST, trouble=trouble)
    response = RedirectResponse("/", 303)
    secret = site.sessions.begin(name, visit.now)
    remember(response, SESSION, secret)
    remember(response, KNOWN, site.sign_in.mark(name), LIFE_SECONDS)
    return response
