"""`never_touch.toml`: what the host's operator never lets be blocked or ended, whatever the server says."""

import re
from ipaddress import ip_network
from pathlib import Path, PurePath
from typing import Annotated

from pydantic import AfterValidator, Field
from vedette_transport import Settings, load_settings

from .surroundings import Network

_NAME = r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*"


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text)
    return texts


def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names as they are compared; one that could never be equal to any would spare nothing."""
    names = tuple(text.lower().strip(".") for text in texts)
    for text, name in zip(texts, names, strict=True):
        if re.fullmatch(_NAME, name) is None:
            raise ValueError(
                f"{text[:100]!r} is no host's name: give it alone, without '*' (all below it is meant) and"
                " without accents (xn--…)"
            )
    return names


def _paths(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not PurePath(text).is_absolute():
            raise ValueError(f"{text[:100]!r} is no whole path")
    return texts


class NeverTouch(Settings):
    """Addresses and networks, names with all below them, and the files of programs by their whole paths.

    All besides what is never blocked and never ended anyway.
    """

    addresses: Annotated[tuple[str, ...], AfterValidator(_networks)] = ()
    hosts: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], AfterValidator(_names)] = ()
    programs: Annotated[tuple[str, ...], AfterValidator(_paths)] = ()

    @property
    def networks(self) -> tuple[Network, ...]:
        """The addresses, each as a network."""
        return tuple(ip_network(text) for text in self.addresses)


def read_never_touch(path: Path) -> NeverTouch:
    """Read the file, asked anew at each act; without one nothing is added.

    Raise `SettingsError` where it can't be read: then nothing may be blocked or ended.
    """
    is_there = path.exists() or path.is_symlink()  # a link to nothing was to say something
    return load_settings(NeverTouch, path) if is_there else NeverTouch()
