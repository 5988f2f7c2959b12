"""TLS to those who take messages: always verified; and secrets out of files that not everybody may use."""

import errno
import os
import ssl
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from vedette_schemas import SettingsError
from vedette_transport.watched import Watched

_LONGEST_SECRET = 4_096
_DEEPEST = 10
"""Causes of causes."""


class ClientContext:
    """What trusts the usual certificates and those in `ca`; files that are renewed count from then on."""

    def __init__(self, ca: Path | None, certificate: Path | None = None, key: Path | None = None) -> None:
        """Raise `SettingsError` where a file can't be used."""
        self._paths = ca, certificate, key
        self._watched = self._watch()
        self._watched.changed()
        self._context = _context(*self._paths)

    def now(self) -> ssl.SSLContext:
        """Return it as of the files that are there; where they can't be used now, as it was before."""
        if self._watched.changed():
            try:
                self._context = _context(*self._paths)
            except SettingsError:  # one is written after the other
                self._watched = self._watch()
        return self._context

    def _watch(self) -> Watched:
        return Watched([path for path in self._paths if path is not None])


def _context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if key is not None:
        os.close(_opened(key))
    if ca is not None:
        with _usable(ca):
            context.load_verify_locations(ca)
    if certificate is not None:
        with _usable(certificate):
            context.load_cert_chain(certificate, key)
    return context


def read_secret(path: Path) -> str:
    """Return the one line of a file that not everybody may read; raise `SettingsError` otherwise."""
    with os.fdopen(_opened(path), "rb") as file:
        try:
            text = file.read(_LONGEST_SECRET + 1).decode()
        except OSError as error:
            raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{path}: is not text") from None
    line = text.strip()
    if not line or len(text) > _LONGEST_SECRET or not line.isprintable():
        raise SettingsError(f"{path}: is to hold one line, the secret")
    return line


def is_not_trusted(error: BaseException) -> bool:
    """Tell whether an error rests on a certificate that is not trusted."""
    return _verification(error) is not None


def certificate_trouble(error: BaseException) -> str:
    """Return what is wrong with a certificate, in words."""
    found = _verification(error)
    return str(error) if found is None else found.verify_message


def _verification(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    for _ in range(_DEEPEST):
        if error is None or isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _opened(path: Path) -> int:
    """Open a secret, never waiting for who would write to it; raise `SettingsError` where all may use it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) and not mode & (stat.S_IROTH | stat.S_IWOTH):
        return descriptor
    os.close(descriptor)
    if not stat.S_ISREG(mode):
        raise SettingsError(f"{path}: is no file")
    raise SettingsError(f"{path}: all users can read or change this secret; run: chmod o= {path}")


@contextmanager
def _usable(path: Path) -> Generator[None]:
    """Raise `SettingsError` where what is loaded from a file can't be."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "is no file")
        yield
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or error
        raise SettingsError(f"{path}: holds no certificates that can be used: {why}") from None
