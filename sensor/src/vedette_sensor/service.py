"""`vedette-sensor service` and `vedette-session service`: what systemd is told of the two."""

from vedette_schemas import Program
from vedette_transport import load_settings, uplink
from vedette_transport.service import Service
from vedette_transport.units import CONFINED, CONFINED_AS_ROOT, Unit

from .__main__ import SensorSettings
from .session import SessionSettings

SENSOR = Service(
    unit=Unit(
        name="vedette-sensor",
        module="vedette_sensor",
        description="Vedette's sensor: takes what this host's sessions see, and reports it",
        # It hashes the programs of users' windows: it looks through /proc at processes and files of others.
        confinement=CONFINED_AS_ROOT
        + """\
CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
PrivateTmp=yes
UMask=0077
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @keyring
MemoryMax=256M
TasksMax=256
""",
    ),
    settings="""\
# vedette-sensor; after an edit: systemctl restart vedette-sensor
# Who this is and where the server is, 'vedette-sensor join' has written below /var/lib/vedette/identity.
socket = "/run/vedette/sensor.sock"
spool = "/var/lib/vedette/sensor-spool.db"
""",
    check=lambda path: uplink(Program.SENSOR, load_settings(SensorSettings, path)),
    keeps=("sensor-spool.db*", "identity/sensor"),
)

SESSION = Service(
    unit=Unit(
        name="vedette-session",
        module="vedette_sensor.session",
        description="Vedette's session: watches this user's windows and clipboard, and shows notices",
        confinement=CONFINED
        + """\
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallFilter=@system-service
MemoryMax=256M
TasksMax=64
""",
        of_users=True,
    ),
    settings="""\
# vedette-session, for each user; after an edit: systemctl --user restart vedette-session
sensor_socket = "/run/vedette/sensor.sock"
enforcer_socket = "/run/vedette/enforcer.sock"
privacy = "redacted"  # or: full
""",
    check=lambda path: load_settings(SessionSettings, path),
)
