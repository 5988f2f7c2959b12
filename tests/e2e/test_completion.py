"""What a shell completes: a real shell on a terminal of its own, in which keys are pressed."""

import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROMPT = "ready> "
SETUP = {
    "bash": "source <(_VEDETTE_COMPLETE=source_bash vedette)",
    "zsh": "autoload -Uz compinit; compinit -u -D; source <(_VEDETTE_COMPLETE=source_zsh vedette)",
}
STARTED = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
WAIT = 60


class Shell:
    """A shell in a terminal."""

    def __init__(self, name: str, home: Path) -> None:
        self._ours, theirs = pty.openpty()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(home), "TERM": "dumb", "PS1": PROMPT, "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            STARTED[name],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            cwd=home,
            start_new_session=True,
        )
        os.close(theirs)
        self.until(PROMPT)
        self.press(f"{SETUP[name]}; echo se''t\n")
        self.until("set")

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def until(self, wanted: str) -> str:
        """Return what is shown until `wanted` is."""
        seen, deadline = "", time.monotonic() + WAIT
        while wanted not in seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{wanted!r} is not in {seen!r}"
            if select.select([self._ours], [], [], left)[0]:
                seen += os.read(self._ours, 65_536).decode(errors="replace")
        return seen

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    found = Shell(request.param, tmp_path)
    yield found
    found.close()


def test_commands_and_options_are_completed(shell: Shell) -> None:
    shell.press("vedette inci\t")
    shell.until("incidents ")
    shell.press("ack\t")
    shell.until("acknowledge ")
    shell.press("--no\t")
    shell.until("--note ")


def test_what_there_is_to_choose_from_is_shown(shell: Shell) -> None:
    shell.press("vedette alerts --fol\t\t")
    assert "--folder" in shell.until("--follow")
