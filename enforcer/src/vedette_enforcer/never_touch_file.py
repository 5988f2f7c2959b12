"""`never_touch.toml`: what the host's own operator never lets be blocked, beyond the server's reach."""

from ipaddress import ip_network
from pathlib import Path
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


class NeverTouch(Settings):
    """Addresses and networks, and names with all below them, besides what is never blocked anyway."""

    addresses: Annotated[tuple[str, ...], AfterValidator(_networks)] = ()
    hosts: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], AfterValidator(_names)] = ()

    @property
    def networks(self) -> tuple[Network, ...]:
        """The addresses, each as a network."""
        return tuple(ip_network(text) for text in self.addresses)


def read_never_touch(path: Path) -> NeverTouch:
    """Read the file, asked anew at each block; without one nothing is added.

    Raise `SettingsError` where it can't be read: then nothing may be blocked.
    """
    return load_settings(NeverTouch, path) if path.exists() else NeverTouch()
