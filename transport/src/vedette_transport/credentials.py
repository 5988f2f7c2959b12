"""What a program shows of its identity: what TLS needs, without cryptography, which takes 8 MB."""

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from vedette_schemas import Principal, SettingsError

from .identity_folder import IdentityFolder
from .tls import trusting

TRIES = 5
"""How often files are read that are being changed meanwhile."""


@dataclass(frozen=True)
class Certified:
    """What was found in an identity's folder, once all of it was checked: of its CA, in time, of one pair."""

    principal: Principal
    begins_at: datetime
    ends_at: datetime
    ca_pem: str


Known_co = TypeVar("Known_co", bound=Certified, covariant=True)


class Credentials(Generic[Known_co]):
    """A principal's certificate and key; files that were renewed are picked up when they are next needed."""

    def __init__(self, folder: Path, read: Callable[[IdentityFolder], Known_co]) -> None:
        """Have `read` look at the folder; raise `SettingsError`, in words, where it can't be used."""
        self.folder = IdentityFolder(folder)
        with contextlib.suppress(OSError):  # who may only read leaves that to the owner
            self.folder.settle()
        self._read = read
        self._stamp: tuple[object, ...] = ()
        self._known: Known_co
        self.refresh()

    @property
    def principal(self) -> Principal:
        """Whom the certificate names."""
        return self._known.principal

    @property
    def ends_at(self) -> datetime:
        """When the certificate ends."""
        return self._known.ends_at

    @property
    def begins_at(self) -> datetime:
        """When the certificate begins: a day before it was issued, for clocks that are behind."""
        return self._known.begins_at

    def refresh(self) -> bool:
        """Read the files again if they have changed, and tell whether; raise `SettingsError` as at first."""
        try:
            stamp = self.folder.stamp()
            if stamp == self._stamp:
                return False
            known = self._read(self.folder)
        except OSError as error:
            raise SettingsError(f"{error.filename}: can't be read: {error.strerror}") from None
        if self._stamp and known.ca_pem != self._known.ca_pem:
            raise SettingsError(f"{self.folder.path}: the CA is another than before; start the program again")
        self._known, self._stamp = known, stamp
        return True

    def client_context(self) -> ssl.SSLContext:
        """Return what makes a TLS connection: to servers of our CA alone, whose name is checked."""
        context = trusting(self._known.ca_pem)
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have a context show the newest certificate; raise `SettingsError` where there is none to show."""
        for tries_left in reversed(range(TRIES)):
            self.refresh()
            files = self.folder.files()
            try:
                context.load_cert_chain(files.certificate, files.key)
            except OSError as error:  # an SSLError is one
                if not tries_left:
                    raise SettingsError(
                        f"{self.folder.path}: key and certificate can't be used ({error.strerror or error})"
                    ) from None
            else:
                return
