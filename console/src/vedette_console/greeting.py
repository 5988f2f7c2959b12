"""What `vedette up` says when all is ready, and what stays in force when it ends."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter
from vedette_schemas import Mode, Order, name_of, topics
from vedette_transport.identity_folder import IdentityFolder

from .deployment import Deployment, operator_label
from .trusting import READER, reader

IN_FORCE, NOTHING = "in_force", "nothing"
"""A fact of an enforcer's heartbeat, and what it is where nothing is blocked."""

_WHAT_IT_DOES = {
    Mode.OBSERVE: ": nothing is done that you do not order",
    Mode.APPROVE: ": nothing is done before you approve it",
    Mode.ENFORCE: ": what the lists ask for is done",
}

MOST_HELD = 10
_PATIENCE_SECONDS = 5.0
_ORDER: TypeAdapter[Order] = TypeAdapter(Order)

Facts = Mapping[str, str]


def how_to_sign_in(deployment: Deployment) -> str:
    """Return where the console is, and how the first to sign in does so: that account is made here."""
    # What hashes passwords is loaded by those alone who need it.
    from .web.accounts import Accounts  # noqa: PLC0415
    from .web.first import how_to_begin  # noqa: PLC0415
    from .web.settings import ConsoleSettings  # noqa: PLC0415
    from .web.store import Store  # noqa: PLC0415

    settings = ConsoleSettings.of(deployment.settings_path("console"))
    store = Store(deployment.console_folder)
    try:
        return f"{settings.address}{how_to_begin(Accounts(store), sys.stdout)}"
    finally:
        store.close()


def ready_lines(
    deployment: Deployment, sensor: Facts, enforcer: Facts, console: str = "", analyzer: Facts | None = None
) -> Iterator[str]:
    """Yield what is watched and done here, what is in force, what is not told, and what one can do."""
    folder = shlex.quote(str(deployment.folder))
    broker = deployment.broker
    lists = ", ".join(str(path) for path in deployment.lists)
    yield (f"ready: host {deployment.host}, broker {broker}, lists {lists}, all else in {deployment.folder}")
    for name in ("window", "clipboard"):
        yield f"  {name:<10} {sensor.get(name, 'off')}"
    for name in ("terminate", "notify", "block", "isolate"):
        yield f"  {name:<10} {enforcer.get(name, 'off')}"
    yield f"  mode       {deployment.mode}{_WHAT_IT_DOES[deployment.mode]}"
    if (held := enforcer.get(IN_FORCE, NOTHING)) != NOTHING:
        yield f"  in force   {held}"
    if (suppressed := (analyzer or {}).get("suppressed", NOTHING)) != NOTHING:
        yield f"  suppressed {suppressed}, which is not told: vedette suppressions --folder {folder}"
    if deployment.settings_path("notify").exists():
        yield "  " + telling_line(deployment)
    if console:
        yield f"  console    {console}"
    yield f"  what was ordered: vedette actions --folder {folder}"
    yield f"  any MQTT client: {_listening(deployment)}"
    yield "  Ctrl-C stops all"


def telling_line(deployment: Deployment) -> str:
    """Return what is said of the notifier when it is started."""
    folder = shlex.quote(str(deployment.folder))
    return f"telling    as notify.toml says; how that stands: vedette notify check --folder {folder}"


def _listening(deployment: Deployment) -> str:
    """Return a command line that shows alerts."""
    broker = deployment.broker
    words = ["mosquitto_sub", "-h", broker.host, "-p", str(broker.port), "-t", topics.EVERY_ALERT, "-v"]
    if not broker.plain:
        files = IdentityFolder(deployment.identity(READER)).files()
        words += ["--cafile", str(files.ca), "--cert", str(files.certificate), "--key", str(files.key)]
        words += ["-i", str(reader(operator_label()))]
    return shlex.join(words)


def parting_lines(deployment: Deployment, enforcer: Facts) -> Iterator[str]:
    """Yield what stays in force on this host without us, and how to release it.

    The journal says it, for what came in the last second; the enforcer's last word where that can't be read.
    """
    told = enforcer.get(IN_FORCE, NOTHING)
    held = _journal(deployment)
    if held is None:
        held = [] if told == NOTHING else [told]
    if held:
        yield "stays in force on this host:"
        yield from (f"  {line}" for line in held[:MOST_HELD])
        if len(held) > MOST_HELD:
            yield f"  and {len(held) - MOST_HELD} more"
        yield f"  to release all now: {_release(deployment)}"
        yield "  or start again, and: vedette actions, vedette undo ID"


def _journal(deployment: Deployment) -> list[str] | None:
    """Return what the host's journal lists as in force, a line each; `None` where it can't be read."""
    command = [*deployment.command("enforcer", "journal"), "--json"]
    try:
        done = subprocess.run(
            command, cwd=deployment.folder, capture_output=True, timeout=_PATIENCE_SECONDS, check=False
        )
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        held = [_in_words(entry["order"], entry["until"]) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        return None
    return held if done.returncode == 0 else None


def _in_words(order: object, until: str) -> str:
    found = _ORDER.validate_python(order)
    ends = datetime.fromisoformat(until).astimezone()
    return f"{found.action} {name_of(found)} until {ends:%Y-%m-%d %H:%M %Z}"


def _release(deployment: Deployment) -> str:
    """Return the command line that releases all; it works without us, the broker and the network."""
    beside = Path(sys.executable).with_name("vedette-enforcer")
    program = [str(beside)] if beside.exists() else [sys.executable, "-m", "vedette_enforcer"]
    settings = str(deployment.settings_path("enforcer"))
    return shlex.join([*program, "release", "--all", "--settings", settings])
