"""Writing a file of the system's: whole or not at all, with the rights and the owner that it had."""

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path

_CANT_REPLACE = frozenset({errno.EBUSY, errno.EXDEV, errno.EROFS, errno.EACCES, errno.EPERM})


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write `content` to `path`; raise `OSError` where that can't be.

    A file that can't be renamed over (it is mounted by itself, as in a container) is written in place.
    """
    path = path.resolve()
    try:
        temporary = _beside(path, content, mode)
    except OSError as error:
        if error.errno not in _CANT_REPLACE or not path.exists():
            raise
        _in_place(path, content)
        return
    try:
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno not in _CANT_REPLACE:
            raise
        _in_place(path, content)
        return
    _sync_folder(path.parent)


def _beside(path: Path, content: bytes, mode: int) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".vedette", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            temporary.chmod(mode)
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                shutil.copystat(path, temporary)  # SELinux's label among them
                if hasattr(os, "chown"):
                    os.chown(temporary, found.st_uid, found.st_gid)
                temporary.chmod(found.st_mode & 0o7777)
                os.utime(temporary)
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _in_place(path: Path, content: bytes) -> None:
    """Write over it, from the first byte that differs: what others wrote before is not touched."""
    with path.open("r+b") as file:
        before = file.read()
        pairs = enumerate(zip(before, content, strict=False))
        same = next((place for place, (old, new) in pairs if old != new), min(len(before), len(content)))
        file.seek(same)
        file.write(content[same:])
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
