"""What `notify.toml` says: who is told what, when, and by which means."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from vedette_schemas import Severity
from vedette_transport import FilePath, Settings
from vedette_transport.settings import Address

from ..metrics.address import an_address
from .hours import Digest, Hours, read_hours, read_time
from .showing import BY_DEFAULT, Sight

MAX_ROUTES = 32

_MAILBOX = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
_ADDRESS_OF_CONSOLE = r"^(?:https?://[A-Za-z0-9.\[\]:-]{1,255})?$"
MailAddress = Annotated[str, StringConstraints(pattern=_MAILBOX)]
RouteName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?_-]{1,64}$")]


def _hours(text: str) -> str:
    read_hours(text)
    return text


def _time_of_day(text: str) -> str:
    read_time(text)
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"no time zone {text!r} is known here: give one like 'Europe/Berlin' (Debian: package tzdata)"
        ) from None
    return text


class MailServer(Settings):
    """The mail server that takes what is sent by e-mail.

    `tls`: `starttls` on port 587, `tls` from the first byte on port 465; both are verified, by the usual
    certificates and those in `ca`. `none` has to be asked for, and never carries a password.
    """

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca: Path | None = None
    sender: MailAddress
    user: Annotated[str, Field(max_length=256)] | None = None
    password_file: Path | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 60

    @model_validator(mode="after")
    def _login_is_whole_and_hidden(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("'user' and 'password_file' are to be given together")
        if self.user is not None and self.tls == "none":
            raise ValueError('a password is not sent without TLS: take tls = "starttls" or "tls"')
        return self


class _Route(Settings):
    """What is told on a route and when.

    An alert of at least this `severity`, of a host and a detector that fit one of the patterns. `hours` in
    which it is told; outside of them it waits, or with `outside = "skip"` is not told on this route. What
    is told again within `fold_minutes` is counted in the next message. `most_per_hour` messages go out, 0
    for any number, and none within `gap_seconds` of another; what is held back is in the next one.
    `troubles`: that another route fails is told here.
    """

    severity: Severity = Severity.MEDIUM
    hosts: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=1_000)] = ("*",)
    detectors: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=100)] = ("*",)
    hours: Annotated[tuple[Annotated[str, AfterValidator(_hours)], ...], Field(max_length=50)] = ()
    outside: Literal["wait", "skip"] = "wait"
    may_see: tuple[Sight, ...] = BY_DEFAULT
    digest: Digest | None = None
    digest_at: Annotated[str, AfterValidator(_time_of_day)] = "07:00"
    fold_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 60
    most_per_hour: Annotated[int, Field(ge=0, le=3_600)] = 30
    gap_seconds: Annotated[int, Field(ge=0, le=3_600)] = 10
    troubles: bool = True

    @property
    def open_hours(self) -> tuple[Hours, ...]:
        """The hours in which it is told; none: always."""
        return tuple(map(read_hours, self.hours))


class EmailRoute(_Route):
    """To mailboxes, by the server under `[mail]`."""

    by: Literal["email"]
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1, max_length=50)]
    html: bool = True


class SyslogRoute(_Route):
    """To a syslog server. `certificate` and `key` are ours, where it asks for one."""

    by: Literal["syslog"]
    server: Annotated[str, AfterValidator(an_address)]
    over: Literal["tls", "tcp", "udp"] = "tls"
    body: Literal["cef", "ocsf"] = "cef"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    facility: Annotated[int, Field(ge=0, le=23)] = 16
    enterprise: Annotated[int, Field(ge=1, le=2**31)] = 32_473
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    severity: Severity = Severity.INFO
    fold_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    most_per_hour: Annotated[int, Field(ge=0, le=3_600)] = 0
    gap_seconds: Annotated[int, Field(ge=0, le=3_600)] = 0

    @model_validator(mode="after")
    def _tls_only(self) -> Self:
        if self.over != "tls" and (self.ca or self.certificate or self.key):
            raise ValueError("'ca', 'certificate' and 'key' are for over = \"tls\"")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("'certificate' and 'key' are to be given together")
        return self

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address.parse(self.server)


class AppriseRoute(_Route):
    """To any service that apprise knows; its URL holds secrets, so that it stands in a file of its own."""

    by: Literal["apprise"]
    url_file: Path
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 60


Route = EmailRoute | SyslogRoute | AppriseRoute


class NotifySettings(Settings):
    """Who is told what. Relative paths start at the settings' folder.

    `archive` is the analyzer's, which is only read; `queue` is the file of what is still to be told.
    `metrics` is where Prometheus may ask; `console` is where people reach the web console, which messages
    then lead to. A route that fails for `trouble_minutes` is told on the others.
    """

    archive: Path = Path("archive.db")
    queue: FilePath = Path("notify-queue.db")
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    trouble_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 10
    metrics: Annotated[str, AfterValidator(an_address)] | None = None
    console: Annotated[str, StringConstraints(pattern=_ADDRESS_OF_CONSOLE)] = ""
    mail: MailServer | None = None
    route: Annotated[
        Mapping[RouteName, Annotated[Route, Field(discriminator="by")]],
        Field(min_length=1, max_length=MAX_ROUTES),
    ]

    @model_validator(mode="after")
    def _mail_needs_a_server(self) -> Self:
        if self.mail is None and any(route.by == "email" for route in self.route.values()):
            raise ValueError("routes by e-mail need a mail server: a table [mail] with 'host' and 'sender'")
        return self

    @property
    def lanes(self) -> Mapping[str, Route]:
        """All that has a queue of its own: the routes, those by e-mail once for each mailbox."""
        found = dict[str, Route]()
        for name, route in self.route.items():
            if route.by == "email":
                found |= {f"{name}/{mailbox}": route for mailbox in route.to}
            else:
                found[name] = route
        return found

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of hours and digests."""
        return ZoneInfo(self.time_zone)
