"""`never_touch.toml`: what the host's operator never lets be blocked or ended, whatever the server says."""

from ipaddress import ip_network
from pathlib import Path, PurePath
from typing import Annotated

from pydantic import AfterValidator, Field
from vedette_transport import Settings, load_settings

from .surroundings import Network


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text)
    return texts


def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.lower().strip(".") for text in texts)


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
    return load_settings(NeverTouch, path) if path.exists() else NeverTouch()
