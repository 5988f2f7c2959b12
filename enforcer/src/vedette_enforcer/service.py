"""`vedette-enforcer service`: what systemd is told of it."""

from pathlib import Path

from vedette_schemas import Program
from vedette_transport import uplink
from vedette_transport.service import Service
from vedette_transport.signing import Verifier
from vedette_transport.units import CONFINED_AS_ROOT, Unit

from .settings import read_settings, whom_to_trust


def _check(path: Path) -> None:
    settings = read_settings(path)
    up = uplink(Program.ENFORCER, settings)
    Verifier(whom_to_trust(settings, up), up.principal)


ENFORCER = Service(
    unit=Unit(
        name="vedette-enforcer",
        module="vedette_enforcer",
        description="Vedette's enforcer: carries out the analyzer's commands on this host",
        # It ends others' processes, changes the packet filter by netlink, and replaces the hosts file and
        # browsers' policies below /etc with the owner and the rights that they had.
        confinement=CONFINED_AS_ROOT
        + """\
CapabilityBoundingSet=CAP_KILL CAP_NET_ADMIN CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH \
CAP_CHOWN CAP_FOWNER
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallFilter=@system-service
SystemCallFilter=~@keyring
ReadWritePaths=/etc
Nice=-10
LimitNOFILE=4096
MemoryMax=512M
TasksMax=512
""",
    ),
    settings="""\
# vedette-enforcer; after an edit: systemctl restart vedette-enforcer
# Who this is and where the server is, 'vedette-sensor join' has written below /var/lib/vedette/identity.
socket = "/run/vedette/enforcer.sock"
spool = "/var/lib/vedette/enforcer-spool.db"
# The most that is done here, whatever the server says: "observe", "approve" or "enforce".
mode = "enforce"
""",
    check=_check,
    keeps=("enforcer-spool.db*", "journal.db*", "identity/enforcer"),
    files=("never_touch.toml",),
    before_removal=("release", "--all"),
)
