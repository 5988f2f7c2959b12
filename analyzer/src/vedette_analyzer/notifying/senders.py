"""What sends in each lane, by the settings."""

from pathlib import Path

from vedette_schemas import SettingsError

from .apprising import AppriseSender
from .mailing import Mailer
from .sending import Sender
from .settings import AppriseRoute, EmailRoute, NotifySettings, SyslogRoute
from .syslogging import SyslogSender


def senders(settings: NotifySettings, folder: Path) -> dict[str, Sender]:
    """Return what sends in each lane; raise `SettingsError` where certificates or secrets can't be used."""
    return {lane: _sender(lane, settings, folder) for lane in settings.lanes}


def _sender(lane: str, settings: NotifySettings, folder: Path) -> Sender:
    name, _, mailbox = lane.partition("/")
    match settings.route[name]:
        case EmailRoute() as route:
            if settings.mail is None:
                raise SettingsError(f"route {name}: there is no mail server")
            return Mailer(route, mailbox, settings.mail, settings.zone, folder, settings.console)
        case SyslogRoute() as route:
            return SyslogSender(route, folder)
        case AppriseRoute() as route:
            return AppriseSender(route, name, settings.zone, folder, settings.console)
