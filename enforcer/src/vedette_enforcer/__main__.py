"""The program `vedette-enforcer`: carries out the analyzer's commands on this host."""

import contextlib
import os
import sys
from pathlib import Path
from queue import SimpleQueue

if sys.platform != "win32":
    import resource

from vedette_schemas import Program, topics
from vedette_transport import Event, Inbox, MqttSession, Outbox, Server, run, serve, uplink
from vedette_transport.signing import ActVerifier, Verifier

from .blocking import acting
from .ceiling import Ceiling
from .core import Gate
from .enforcer import Enforcer
from .known import Known
from .released import Releases, note_of
from .settings import read_settings, whom_to_trust
from .terminate import sparing

_AHEAD_OF_OTHERS = -10
"""Our priority: what has to be ended may be using up the processor."""

_DESCRIPTORS = 4_096
"""Each process that is being ended takes one."""


def main() -> None:
    """Run until SIGTERM or SIGINT; `journal` and `release` are for who sits at the host."""
    if sys.platform == "linux" and sys.argv[1:2] in (["journal"], ["release"]):
        from . import commandline  # noqa: PLC0415 (where it can run, and when it is wanted)

        sys.exit(commandline.run(sys.argv[1:]))
    if sys.argv[1:2] == ["service"]:
        from vedette_transport import service  # noqa: PLC0415 (not loaded where it serves)

        from .service import ENFORCER  # noqa: PLC0415

        service.main(ENFORCER, sys.argv[2:])
    what = (
        "Carries out the analyzer's commands on this host. 'vedette-enforcer journal' lists what is in force,"
        " 'release' takes it back, 'service' has systemd run it; each tells more with -h."
    )
    run("vedette-enforcer", what, _program)


def _program(path: Path) -> None:
    settings = read_settings(path)
    _get_ahead()
    up = uplink(Program.ENFORCER, settings)
    principal, ca = up.principal, whom_to_trust(settings, up)
    verifier = Verifier(ca, principal)
    outbox = Outbox(principal, settings.spool, settings.spool_mib * 1024 * 1024)
    gate = Gate(verifier, Known(outbox), Ceiling(settings.mode, ActVerifier(ca)))
    inbox: Inbox = SimpleQueue()
    acts = acting(settings.journal_file, settings.never_touch, up.broker, principal.host, settings.off)
    end = sparing(settings.never_touch)
    enforcer = Enforcer(gate, inbox, settings.term_seconds, end=end, acts=acts, releases=Releases(outbox))
    session = MqttSession(
        principal,
        up.broker,
        inbox,
        subscriptions=[topics.command(principal), *outbox.subscriptions],
        facts=lambda: {**enforcer.facts(), **outbox.facts, **up.facts},
        delivery=outbox.heartbeat,
        identity=up.identity,
    )

    def handle(event: Event) -> None:
        for outcome in enforcer.handle(event):
            outbox.put(outcome, note_of(outcome))

    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":  # whose Python has no Unix sockets
            stack.callback(Server(settings.socket, inbox).close)
        acts.start(inbox)
        up.start()
        serve(session, inbox, handle, outbox)


def _get_ahead() -> None:
    """Take priority over what has to be ended; threads that start later inherit it."""
    if sys.platform != "win32":
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        room = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(_DESCRIPTORS, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (room, most))
        with contextlib.suppress(PermissionError):  # without root we are as quick as others
            os.setpriority(os.PRIO_PROCESS, 0, _AHEAD_OF_OTHERS)


if __name__ == "__main__":
    main()
