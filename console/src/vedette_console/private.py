"""Files that only we may write: what another user has prepared is not trusted."""

import os
import stat
from pathlib import Path

from vedette_schemas import SettingsError


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
