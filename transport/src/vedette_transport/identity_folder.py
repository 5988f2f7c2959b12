"""The files of an identity, changed as one: whoever is killed leaves the old ones or the new ones.

What is new is put together in `next.part`, which becomes `next` once it is whole: from then on it is what
counts, and its files take the places of the old ones, one after another.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vedette_schemas import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY, CERTIFICATE, CA = "key.pem", "certificate.pem", "ca.pem"
_FILES = (KEY, CERTIFICATE, CA)
_ORIGIN = "origin"
"""What the key was made for, hashed: asked again for the same, the CA gives the same certificate."""


class Files(NamedTuple):
    """Where the files of an identity are now."""

    key: Path
    certificate: Path
    ca: Path


class IdentityFolder:
    """A folder with a key (0600), its certificate and the CA's."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is read or written yet."""
        self.path = path
        self._next, self._part = path / "next", path / "next.part"

    def files(self) -> Files:
        """Return where each file is, those of a change that is decided before all others."""
        return Files(*(new if (new := self._next / name).exists() else self.path / name for name in _FILES))

    def stamp(self) -> tuple[object, ...]:
        """Return what differs once a file has changed."""
        found = [file.stat() if file.exists() else None for file in self.files()]
        return tuple(each and (each.st_mtime_ns, each.st_ino, each.st_size) for each in found)

    @contextmanager
    def changing(self) -> Generator[None]:
        """Keep all others from changing this identity meanwhile; makes the folder.

        Raise `SettingsError` where the folder is not ours alone, `OSError` where it can't be written.
        """
        self.path.mkdir(parents=True, mode=0o700, exist_ok=True)
        require_ours(self.path, secret=True)
        if sys.platform == "win32":
            yield
            return
        import fcntl  # noqa: PLC0415 (not everywhere)

        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.settle()
            yield
        finally:
            os.close(descriptor)

    def key_for(self, purpose: str) -> "Ed25519PrivateKey":
        """Return the key to ask for a certificate with, to be followed by `take`.

        For one purpose it is always the same: whoever was killed meanwhile can ask again.
        """
        from .keys import key_pem, new_key  # noqa: PLC0415 (cryptography takes 8 MB: here alone it is needed)

        origin = hashlib.sha256(purpose.encode()).hexdigest()
        if (kept := _kept(self._part, origin)) is not None:
            return kept
        if self._part.exists():
            shutil.rmtree(self._part)
        self._part.mkdir(mode=0o700)
        key = _kept(self.path, origin) or new_key()
        _write(self._part / KEY, key_pem(key), 0o600)
        _write(self._part / _ORIGIN, origin.encode(), 0o600)
        _flush(self._part)
        _flush(self.path)
        return key

    def take(self, certificate: bytes, ca: bytes) -> None:
        """Make the key of `key_for` and its certificate (PEM) the identity."""
        _write(self._part / CERTIFICATE, certificate, 0o644)
        _write(self._part / CA, ca, 0o644)
        _flush(self._part)
        self._part.rename(self._next)
        _flush(self.path)
        self.settle()

    def settle(self) -> None:
        """Finish a change that is decided, if there is one."""
        if not self._next.exists():
            return
        for name in (*_FILES, _ORIGIN):
            with contextlib.suppress(FileNotFoundError):
                (self._next / name).replace(self.path / name)
        _flush(self.path)
        with contextlib.suppress(FileNotFoundError):
            self._next.rmdir()


def require_ours(path: Path, *, secret: bool = False) -> None:
    """Raise `SettingsError` where others may change (or, if `secret`, read) a file or folder."""
    if sys.platform == "win32":
        return
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
        raise SettingsError(f"{path}: is another user's, or a link; remove it")
    if found.st_mode & (0o077 if secret else 0o022):
        what, mode = ("read or change", "go-rwx") if secret else ("change", "go-w")
        raise SettingsError(f"{path}: others may {what} it; run: chmod {mode} {path}")


def _kept(folder: Path, origin: str) -> "Ed25519PrivateKey | None":
    from .keys import read_key  # noqa: PLC0415

    try:
        require_ours(folder, secret=True)
        if (folder / _ORIGIN).read_text() != origin:
            return None
        return read_key((folder / KEY).read_bytes())
    except (OSError, ValueError):
        return None


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    """Have the names in a folder survive a power failure."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
