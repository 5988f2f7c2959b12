"""What `vedette up` says when all is ready, and what stays in force when it ends."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import Mode, VedetteError, name_of, topics

from .actions import current, is_in_force
from .deployment import Deployment
from .orders import host_of, open_archive

NOTHING = "nothing"
"""The fact `in_force` of an enforcer that holds nothing."""

Facts = Mapping[str, str]


def ready_lines(deployment: Deployment, sensor: Facts, enforcer: Facts) -> Iterator[str]:
    """Yield what is watched and done here, what is in force, and what one can do."""
    broker = deployment.broker
    lists = ", ".join(str(path) for path in deployment.lists)
    yield (f"ready: host {deployment.host}, broker {broker}, lists {lists}, all else in {deployment.folder}")
    for name in ("window", "clipboard"):
        yield f"  {name:<10} {sensor.get(name, 'off')}"
    for name in ("terminate", "notify", "block", "isolate"):
        yield f"  {name:<10} {enforcer.get(name, 'off')}"
    if deployment.mode is not Mode.ENFORCE:
        yield f"  mode       {deployment.mode}"
    if held := in_force(deployment, enforcer):
        yield f"  in force   {held}"
    yield f"  what was ordered: vedette actions --folder {shlex.quote(str(deployment.folder))}"
    yield f"  any MQTT client: mosquitto_sub -h {broker.host} -p {broker.port} -t '{topics.EVERY_ALERT}' -v"
    yield "  Ctrl-C stops all"


def parting_lines(deployment: Deployment, enforcer: Facts) -> Iterator[str]:
    """Yield what stays in force on this host without us, and how to release it."""
    held = in_force(deployment, enforcer)
    if held:
        yield f"stays in force on this host: {held}"
        yield f"  to release it now: {_release(deployment)}"
        yield "  or start again, and: vedette actions, vedette undo ID"


def in_force(deployment: Deployment, enforcer: Facts) -> str:
    """Return what is in force on this host, "" for nothing: its enforcer's word, else the archive's."""
    told = enforcer.get("in_force")
    if told is not None:
        return "" if told == NOTHING else told
    now = datetime.now(UTC)
    try:
        with open_archive(deployment.archive) as reader:
            lasting = [command for command in current(reader, now) if is_in_force(command, now)]
    except VedetteError:  # there is none yet: nothing was ordered
        return ""
    ours = [command.order for command in lasting if host_of(command) == deployment.host]
    return ", ".join(f"{order.action} {name_of(order)}" for order in ours)


def _release(deployment: Deployment) -> str:
    """Return the command line that releases all; it works without us, the broker and the network."""
    beside = Path(sys.executable).with_name("vedette-enforcer")
    program = [str(beside)] if beside.exists() else [sys.executable, "-m", "vedette_enforcer"]
    settings = str(deployment.settings_path("enforcer"))
    return shlex.join([*program, "release", "--all", "--settings", settings])
