"""Programs by name, by path and in command lines, as their operating system tells them apart."""

import re
from enum import Enum

from vedette_schemas import OperatingSystem

_DRIVE = re.compile(r"[a-zA-Z]:[/\\]")
_NAMESPACE = re.compile(r"[/\\]{2}[?.][/\\](?:(?i:UNC)[/\\])?|\\\?\?\\")
_DELETED = " (deleted)"
_EXECUTABLE = re.compile(r"\.(?:exe|com|scr|bat|cmd|msi)(?=[\s\x00]|$)", re.IGNORECASE)
_TITLE_PARTS = re.compile(r"\s[-\u2013\u2014|]\s")


class Rules(Enum):
    """Whose rules tell whether two names are the same."""

    WINDOWS = "windows"
    MACOS = "macos"
    POSIX = "posix"


def rules(text: str, os: OperatingSystem | None) -> Rules:
    """Return the rules for a name or path: its shape decides, then the system that it was seen on."""
    if _DRIVE.match(text) or text.startswith(("\\\\", "\\??\\", "//?/")):
        return Rules.WINDOWS
    if os == "windows" or (os is None and text.lower().rstrip(" .").endswith(".exe") and "/" not in text):
        return Rules.WINDOWS
    return Rules.MACOS if os == "macos" else Rules.POSIX


def read_path(text: str, how: Rules) -> str | None:
    """Return the path in one form; nothing where it is relative."""
    return _windows_path(text) if how is Rules.WINDOWS else _posix_path(text, how)


def _windows_path(text: str) -> str | None:
    text = text.strip().strip('"')
    namespace = _NAMESPACE.match(text)
    if namespace is not None:
        text = ("\\\\" if "unc" in namespace[0].lower() else "") + text[namespace.end() :]
    text = text.replace("/", "\\").lower()
    if not text.startswith("\\\\") and not _DRIVE.match(text):
        return None
    root = text[:2] if text.startswith("\\") else text[:3]
    kept = _steps(text[len(root) :].split("\\"), fold=True)
    return root + "\\".join(kept) if kept else None


def _posix_path(text: str, how: Rules) -> str | None:
    text = text.removesuffix(_DELETED)
    if not text.startswith("/"):
        return None
    kept = _steps(text.split("/"), fold=False)
    path = "/" + "/".join(kept)
    return None if not kept else path.lower() if how is Rules.MACOS else path


def _steps(steps: list[str], *, fold: bool) -> list[str]:
    kept: list[str] = []
    for step in steps:
        if step == "..":
            del kept[-1:]
            continue
        name = step.rstrip(" .") if fold else step
        if name not in {"", "."}:
            kept.append(name)
    return kept


def base_name(text: str, how: Rules) -> str:
    """Return a program's own name, without the folder it lies in."""
    if how is Rules.WINDOWS:
        text = text.strip().strip('"').rstrip(" .\\/")
        return text[max(text.rfind("\\"), text.rfind("/")) + 1 :]
    return text.removesuffix(_DELETED).rstrip("/").rpartition("/")[2]


def name_key(name: str, how: Rules) -> str:
    """Return what a program's name is compared by."""
    if how is Rules.POSIX:
        return name
    folded = name.strip().rstrip(" .").lower()
    return folded.removesuffix(".exe").rstrip(" .") or folded if how is Rules.WINDOWS else folded


def image(command_line: str, os: OperatingSystem | None) -> str:
    """Return the program that a command line starts: its first word, or what is quoted there."""
    line = command_line.partition("\0")[0].strip()
    if line[:1] in {'"', "'"}:
        return line[1:].partition(line[0])[0]
    if rules(line, os) is Rules.WINDOWS and not line.startswith("/"):
        folder = re.match(r"[^\s]*[\\/]", line)
        end = _EXECUTABLE.search(line) if folder else None
        if end is not None:
            return line[: end.end()]
    words = line.split(maxsplit=1)
    return words[0] if words else ""


def last_title_part(title: str) -> str:
    """Return what stands last in a window's title, where programs write their names."""
    return _TITLE_PARTS.split(title)[-1].strip()
