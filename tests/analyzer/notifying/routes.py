"""Routes as settings have them, for tests that need no program."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from vedette_analyzer.notifying.settings import NotifySettings, Route

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")


def route(**changes: Any) -> Route:
    fields: dict[str, Any] = {"by": "email", "to": ["officer@school.example"], "gap_seconds": 0}
    return settings({"officer": fields | changes}).route["officer"]


def settings(routes: dict[str, dict[str, Any]], **more: Any) -> NotifySettings:
    mail = {"host": "localhost", "sender": "vedette@school.example", "tls": "none"}
    return NotifySettings.model_validate({"mail": mail, "route": routes, **more})


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.touch(mode)
    path.chmod(mode)
    path.write_text(text)
    return path
