"""Files that only we may write: what another user has prepared is not trusted."""

import os
import signal
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from vedette_schemas import SettingsError

from .lines import plain


def ours(path: Path, *, secret: bool = False) -> None:
    """Make sure that a file or folder is ours and nobody else can write (or, if `secret`, read) it.

    Raise `SettingsError` if it is not.
    """
    found = path.lstat()
    others = 0o077 if secret else 0o022
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
        raise SettingsError(f"{path}: is another user's, or a link; remove it or choose another --folder")
    if found.st_mode & others:
        what = "others may read or change it" if secret else "others may change it"
        raise SettingsError(
            f"{path}: {what}; remove it, or run: chmod {'go-rwx' if secret else 'go-w'} {path}"
        )


def private_folder(folder: Path) -> None:
    """Make a folder that is nobody else's business, or make sure that it is one."""
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    ours(folder, secret=True)


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file whole or not at all, through no link, and never open to others, not for a moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # after a power failure, too
    new.replace(path)


@contextmanager
def tidying_up() -> Generator[None]:
    """Let who is told to end (SIGTERM: a timer, a shutdown) leave nothing half written."""

    def leave(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def new_file(path: Path) -> Generator[IO[bytes]]:
    """Give a file that takes its name once all is in it, and that nobody else may read.

    Raise `SettingsError`, with nothing there but what was, where it can't be written or is not our file.
    """
    shown, new = plain(str(path), 1_000), path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        if path.exists() or path.is_symlink():
            if not path.is_file():
                raise SettingsError(f"{shown} is no file: name another one")
            ours(path)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with tidying_up(), os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"{shown} can't be written: {error.strerror or error}") from None
