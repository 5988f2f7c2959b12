"""The pages, listed by hand: each has its routes, its place in the navigation, and the parts that renew."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from fastapi import APIRouter

from ..live import Region
from ..roles import What
from ..settings import ConsoleSettings


class Page(NamedTuple):
    """A page; without a `title` it stands in no navigation. `what` is who sees it there."""

    router: APIRouter
    title: str = ""
    path: str = ""
    what: What = What.LOOK
    regions: Callable[[ConsoleSettings], Mapping[str, Region]] = lambda _: {}
