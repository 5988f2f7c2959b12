"""Notices from the enforcer, shown to the user."""

import html
import logging
import shutil
import socket
import subprocess

from vedette_schemas import MessageError, Notice, Shown, decode, encode
from vedette_transport import read_lines

log = logging.getLogger(__name__)

PATIENCE = 5.0
_LONGEST_PROBLEM = 300


def answer(connection: socket.socket) -> None:
    """Show what the enforcer wants shown, and tell it whether that worked; until it is gone."""
    for line in read_lines(connection):
        try:
            notice = decode(Notice, line)
        except MessageError as error:
            log.warning("the enforcer wrote what can't be read: %s", error)
            return
        shown = Shown(id=notice.id, problem=show(notice))
        connection.sendall(encode(shown) + b"\n")


def show(notice: Notice) -> str | None:
    """Show a notice by notify-send; return what went wrong, if anything did."""
    program = shutil.which("notify-send")
    if program is None:
        return "notify-send is not installed"
    arguments = [program, "--app-name=Vedette", "--", summary(notice.title), body(notice.text)]
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"notify-send did not end within {PATIENCE:.0f} s"
    except (OSError, ValueError) as error:
        return f"notify-send can't be run: {error}"[:_LONGEST_PROBLEM]
    if done.returncode == 0:
        return None
    said = _on_one_line(done.stderr[:_LONGEST_PROBLEM].decode("utf-8", "replace"))
    return f"notify-send failed: {said or f'exit code {done.returncode}'}"[:_LONGEST_PROBLEM]


def summary(text: str) -> str:
    """Return text as it stands in a notification's first line, which knows no markup."""
    return _on_one_line(text)


def body(text: str) -> str:
    r"""Return text as a notification's body shows it: neither markup nor notify-send's `\n` and `\074`."""
    return html.escape(_on_one_line(text), quote=False).replace("\\", "\\\\")


def _on_one_line(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable.encode("utf-8", "replace").decode("utf-8").strip()
