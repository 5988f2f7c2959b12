"""What the command line asks of the archive: filters that 'search' and 'export' share, and times."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, cast

import typer
from vedette_schemas import SERVER, Kind, SettingsError, Severity

from .lines import host_name, plain

if TYPE_CHECKING:
    from vedette_archive import Query

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

WhatText = Annotated[str, typer.Option("--text", help="Any part of a text, whatever the case.")]
Observations = Annotated[bool, typer.Option("--observations", help="What hosts saw, instead of alerts.")]
Since = Annotated[
    str,
    typer.Option(
        metavar="TIME", help="From then on: 90s, 30m, 2h, 7d ago, or a day or time: 2026-11-20T08:00."
    ),
]
Until = Annotated[str, typer.Option(metavar="TIME", help="Before then, written in the same way.")]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="Of this host; may be repeated, as all below.")
]
Kinds = Annotated[list[Kind] | None, typer.Option("--kind", help="Of this kind of observation.")]
Severities = Annotated[list[Severity] | None, typer.Option("--severity", help="Alerts this grave.")]
Detectors = Annotated[list[str] | None, typer.Option("--detector", help="Alerts of this detector.")]
Indicators = Annotated[
    list[str] | None,
    typer.Option("--indicator", help="Alerts on this value of a list, as it is written there."),
]


def moment(text: str, now: datetime, option: str) -> datetime:
    """Read how long ago, or a day or time: where we are, as times are shown, unless it says otherwise.

    Raise `SettingsError` on anything else.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{option} {plain(text, 40)!r}: give 90s, 30m, 2h or 7d ago, or a day or time: 2026-11-20, "
            "2026-11-20T08:00"
        ) from None


def called(name: str) -> list[str]:
    """Return the hosts that somebody may mean: alerts about Vedette itself are the server's."""
    return [name, SERVER] if name == host_name(SERVER) else [name]


def query_of(options: dict[str, object]) -> "Query":
    """Return what is asked for, from the command's options of the same names."""
    from vedette_archive import Events, Query  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    now = datetime.now(UTC)
    asked = {name: options[name] for name in ("host", "kind", "severity", "detector", "indicator", "text")}
    asked["host"] = [each for name in cast("list[str] | None", asked["host"]) or () for each in called(name)]
    for name in ("since", "until"):
        if options[name]:
            asked[name] = moment(str(options[name]), now, f"--{name}")
    asked["events"] = Events.OBSERVATIONS if options["observations"] else Events.ALERTS
    return Query.of({name: value for name, value in asked.items() if value})
