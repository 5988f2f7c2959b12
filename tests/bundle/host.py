"""A host with Python and nothing else: a Debian in a folder, with processes and a network of its own."""

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.compose.engine import ROOT

INSTALL, UNINSTALL = ("sh", "bundle/install.sh"), ("sh", "/opt/vedette/uninstall.sh")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = ROOT / ".cache" / "bookworm-python3.tar"
_UNWANTED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")
_BEGIN = """\
set -e
mount --make-rprivate /
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/mnt"
mkdir "$1/mnt/tests"
mount --bind "$2/tests" "$1/mnt/tests"
ip link set lo up
echo
exec sleep infinity
"""
"""What is mounted is seen inside only. The tests are there for the load that some are a session with."""


class Entry(NamedTuple):
    """What a path is, so that it can be told whether it was changed; a folder's times may be."""

    kind: int
    mode: int
    owner: tuple[int, int]
    content: str


class Host:
    """It runs, without a network but loopback, as long as the process that holds it."""

    def __init__(self, root: Path, holder: int) -> None:
        self.root = root
        self.network = ("nsenter", f"--net=/proc/{holder}/ns/net")
        """To be put before a command of ours that is to be on its loopback."""
        spaces = ("net", "mnt", "pid_for_children")
        self.prefix = (
            "nsenter",
            *(
                f"--{option}=/proc/{holder}/ns/{space}"
                for option, space in zip(("net", "mount", "pid"), spaces, strict=True)
            ),
            *("chroot", str(root)),
        )
        """To be put before a command of its own."""

    def command(self, *command: str, folder: str = "/root") -> list[str]:
        inside = ("env", "-i", "--chdir", folder, f"PATH={_PATH}", "HOME=/root", "PYTHONDONTWRITEBYTECODE=1")
        return [*self.prefix, *inside, *command]

    def call(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*command),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    def run(self, *command: str) -> str:
        done = self.call(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def refused(self, *command: str) -> str:
        """Run what is to leave with 2 and one line, and return the line."""
        done = self.call(*command)
        assert done.returncode == 2, (done.returncode, done.stderr, done.stdout)
        (line,) = done.stderr.splitlines()
        return line

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def contents(self) -> Mapping[str, Entry]:
        """Return all that there is on its disk."""
        found: dict[str, Entry] = {}
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = Path(folder, name)
                found[str(path.relative_to(self.root))] = _entry(path)
        return found


def now(host: Host) -> Mapping[str, Entry]:
    """Return its contents without the unpacked archive, which is none of the product's."""
    return {
        path: entry for path, entry in host.contents().items() if not f"{path}/".startswith("root/bundle/")
    }


def _entry(path: Path) -> Entry:
    status = path.lstat()
    kind = stat.S_IFMT(status.st_mode)
    content = ""
    if kind == stat.S_IFLNK:
        content = str(path.readlink())
    elif kind == stat.S_IFREG:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return Entry(kind, stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid), content)


def install_debian(folder: Path) -> None:
    """Install Debian's least, and its python3: without pip, ensurepip, CA certificates and systemd.

    That takes most of a minute, so it is kept for the next run.
    """
    if not _KEPT.exists():
        command = ["debootstrap", "--variant=minbase", "--include=python3", "bookworm", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout[-2_000:]
        _KEPT.parent.mkdir(exist_ok=True)
        new = _KEPT.with_name(f"{folder.parent.name}.new")
        unwanted = (f"--exclude=./{path}/*" for path in _UNWANTED)
        subprocess.run(["tar", "--create", "--file", new, *unwanted, "-C", folder, "."], check=True)
        new.replace(_KEPT)
        shutil.rmtree(folder)
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--file", _KEPT, "-C", folder], check=True)


@contextmanager
def running(root: Path) -> Generator[Host]:
    """Have the system in a folder run, with nothing started, until the block ends."""
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork"]
    command += ["--kill-child", "sh", "-c", _BEGIN, "sh", str(root), str(ROOT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n", "it does not begin"
        try:
            yield Host(root, holder.pid)
        finally:
            holder.kill()
