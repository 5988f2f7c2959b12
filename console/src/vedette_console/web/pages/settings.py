"""*Settings*: one's own account, who else may sign in, tokens of programs, what all this runs with."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response
from vedette_schemas import SettingsError

from ..roles import Role, What
from ..scopes import Scope
from ..tokens import MOST_DAYS, Tokens
from ..visits import Looking, Visit, posting
from . import Page
from .indicators import analyzer_runs

router = APIRouter()
PAGE = Page(router, "Settings", "/settings")

_USUAL_DAYS = 90

_Administering = Annotated[Visit, Depends(posting(What.ACCOUNTS))]


@router.get("/settings")
def settings(visit: Looking) -> Response:
    """Show what can be set here, and what elsewhere."""
    return _page(visit)


@router.post("/settings/accounts/add")
def add_account(visit: _Administering) -> Response:
    """Make an account; its one-time password is on the page that answers, and nowhere else."""
    name = visit.text("name", 64)
    try:
        password = visit.site.accounts.add(name, _role(visit), visit.now, by=visit.account.name)
    except SettingsError as error:
        return _refused(visit, error)
    return _page(visit, secret=password, whose=f"{name} signs in once with")


@router.post("/settings/accounts/{name}/role")
def give_role(visit: _Administering, name: str) -> Response:
    """Give an account another role."""
    try:
        role = _role(visit)
        visit.site.accounts.give(name, role, by=visit.account.name)
    except SettingsError as error:
        return _refused(visit, error)
    return visit.back(f"{name} is {role} from the next click on.", to="/settings")


@router.post("/settings/accounts/{name}/reset")
def reset_password(visit: _Administering, name: str) -> Response:
    """Give an account a one-time password; its sessions end."""
    if name == visit.account.name:
        return visit.back("Choose a password of your own by 'Change password'.", good=False, to="/settings")
    try:
        password = visit.site.accounts.reset(name, visit.now, by=visit.account.name)
    except SettingsError as error:
        return _refused(visit, error)
    return _page(visit, secret=password, whose=f"{name} signs in once with")


@router.post("/settings/accounts/{name}/remove")
def remove_account(visit: _Administering, name: str) -> Response:
    """Remove an account, but not one's own."""
    if name == visit.account.name:
        return visit.back("That is you: another admin can remove you.", good=False, to="/settings")
    try:
        visit.site.accounts.remove(name, by=visit.account.name)
    except SettingsError as error:
        return _refused(visit, error)
    return visit.back(f"{name} is removed, and signed out.", to="/settings")


@router.post("/settings/tokens/add")
def add_token(visit: _Administering) -> Response:
    """Make a token; its secret is on the page that answers, and nowhere else."""
    name, days = visit.text("name", 64), visit.text("days", 4)
    scopes = [scope for scope in Scope if visit.text(f"scope-{scope}")]
    try:
        length = int(days) if days.isascii() and days.isdecimal() else 0
        made_by = visit.account.name
        secret = Tokens(visit.site.store).add(name, scopes, length, made_by, visit.now)
    except SettingsError as error:
        return _refused(visit, error)
    return _page(visit, secret=secret, whose=f"The token {name} is")


@router.post("/settings/tokens/{name}/remove")
def remove_token(visit: _Administering, name: str) -> Response:
    """Remove a token: it is good for nothing any more."""
    try:
        Tokens(visit.site.store).remove(name, by=visit.account.name)
    except SettingsError as error:
        return _refused(visit, error)
    return visit.back(f"The token {name} is good for nothing any more.", to="/settings")


def _role(visit: Visit) -> Role:
    """Return the role that a form names; raise `SettingsError`."""
    try:
        return Role(visit.text("role", 20))
    except ValueError:
        raise SettingsError(f"a role is one of {', '.join(Role)}") from None


def _refused(visit: Visit, error: SettingsError) -> Response:
    words = str(error)
    return visit.back(f"{words[:1].upper()}{words[1:]}.", good=False, to="/settings")


def _page(visit: Visit, *, secret: str = "", whose: str = "") -> Response:
    runs, trouble = analyzer_runs(visit)
    is_admin = visit.may(What.ACCOUNTS)
    return visit.page(
        "settings.html",
        secret=secret,
        whose=whose,
        accounts=visit.site.accounts.everyone() if is_admin else [],
        tokens=Tokens(visit.site.store).everyone() if is_admin else [],
        is_admin=is_admin,
        roles=tuple(Role),
        scopes=tuple(Scope),
        days=_USUAL_DAYS,
        most_days=MOST_DAYS,
        runs=runs,
        retention={} if runs is None else runs.retention.model_dump(),
        trouble=trouble,
        settings=visit.site.settings,
        is_connected=visit.site.desk.is_connected,
    )
