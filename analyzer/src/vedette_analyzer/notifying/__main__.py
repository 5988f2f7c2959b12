"""`vedette-notifier`: tells people of the archive's alerts. It decides nothing here: see routing.py."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from vedette_schemas import Alert, SettingsError, VedetteError
from vedette_transport import CANNOT_GO_ON, load_settings
from vedette_transport.entry import program_version
from vedette_transport.settings import Address
from vedette_transport.watched import Watched

from ..metrics.serving import MetricsServer
from . import routing
from .couriers import Courier
from .describing import counted, described
from .dispatch import Item, Waiting, dispatch
from .figures import Figures
from .following import Follower
from .queue import Outgoing, Queue, QueueError
from .senders import senders
from .sending import NotSentError, Sender
from .settings import NotifySettings
from .showing import shown
from .standing import look

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
TIDY_SECONDS = 600.0
_GRACE_SECONDS = 1.5
_NOT_ALL = 1


class Plan(NamedTuple):
    """Settings that can be used, and what sends by them."""

    settings: NotifySettings
    senders: dict[str, Sender]


class Edits:
    """The settings' file, and whether it has become another that can be used."""

    def __init__(self, path: Path) -> None:
        """Begin with the file as it is now."""
        self._path, self._watched = path, Watched([path])
        self._watched.changed()

    def read(self) -> Plan:
        """Read it; raise `SettingsError` where it, or something that it names, can't be used."""
        settings = load_settings(NotifySettings, self._path)
        return Plan(settings, senders(settings, self._path.parent))

    async def look(self) -> Plan | None:
        """Return what to do from now on; `None`: what was done so far."""
        if not self._watched.changed():
            return None
        try:
            return await asyncio.to_thread(self.read)  # it may take its time, and others go on
        except SettingsError as error:
            log.warning("going on as before: %s", error)
            return None


class Notifier:
    """The shell: what the archive has goes into the queue, and from there out."""

    def __init__(self, plan: Plan, folder: Path, ending: asyncio.Event) -> None:
        """Open the queue; raise `SettingsError` where it can't be used."""
        settings = plan.settings
        self._settings, self._ending = settings, ending
        self._figures = Figures(list(settings.lanes))
        self._queue = Queue(folder / settings.queue)
        self._follower = Follower(folder / settings.archive, self._queue, settings)
        self._couriers = {
            lane: Courier(lane, settings, sender, self._queue, self._tell_others, self._figures)
            for lane, sender in plan.senders.items()
        }
        log.info("telling on %s", ", ".join(settings.route))
        for lane, count in self._queue.stranded(settings.lanes).items():
            log.warning(
                "%s is no route any more, and what waits for it is kept for 30 days: %d alerts", lane, count
            )

    async def run(self, edits: Edits) -> Plan | None:
        """Tell until told to end, or until there are other settings: these are returned."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._queue.close)
            stack.callback(self._follower.close)
            self._show_metrics(stack)
            tasks = [asyncio.create_task(courier.run()) for courier in self._couriers.values()]
            try:
                return await self._follow(edits, tasks)
            finally:
                for courier in self._couriers.values():
                    courier.end()
                _, late = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    def _show_metrics(self, stack: contextlib.ExitStack) -> None:
        """Answer Prometheus, where the settings say so; that it can't be is no reason to tell nobody."""
        if self._settings.metrics is None:
            return
        address = Address.parse(self._settings.metrics)
        try:
            stack.enter_context(MetricsServer(address, self._figures.registry))
        except SettingsError as error:
            log.warning("%s", error)

    async def _follow(self, edits: Edits, tasks: "list[asyncio.Task[None]]") -> Plan | None:
        next_tidy = 0.0
        loop = asyncio.get_running_loop()
        while not self._ending.is_set():
            if (plan := await edits.look()) is not None:
                return plan
            for task in tasks:
                if task.done():
                    task.result()  # a fault of ours: it ends all, and who started us does so again
            now = datetime.now(UTC)
            touched = self._follower.go_on(now)
            for lane in touched or ():
                self._couriers[lane].wake()
            if self._follower.is_well:
                self._figures.followed.set_to_current_time()
            if loop.time() >= next_tidy:
                next_tidy = loop.time() + TIDY_SECONDS
                with contextlib.suppress(QueueError):
                    self._queue.tidy(self._couriers, now)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if touched is None else 0):
                    await self._ending.wait()
        return None

    def _tell_others(self, failing: str, alert: Alert) -> None:
        lanes = routing.others(self._settings.lanes, failing)
        for lane in self._queue.take([alert], lanes, datetime.now(UTC), self._settings.zone):
            self._couriers[lane].wake()


async def serve(path: Path) -> None:
    """Tell until SIGTERM or SIGINT; raise `SettingsError` where the first settings can't be used."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    edits = Edits(path)
    plan = edits.read()
    notifier = Notifier(plan, path.parent, ending)
    while (new := await notifier.run(edits)) is not None:
        try:
            notifier = Notifier(new, path.parent, ending)
            plan = new
        except SettingsError as error:  # it names another queue, which can't be used
            log.warning("going on as before: %s", error)
            notifier = Notifier(plan, path.parent, ending)


def check(path: Path, *, as_json: bool = False) -> int:
    """Print what each route does; raise `SettingsError` where that can't be used."""
    settings = load_settings(NotifySettings, path)
    found = look(path.parent / settings.queue, settings.lanes)
    told = settings, senders(settings, path.parent), found
    for line in [json.dumps(counted(*told))] if as_json else described(*told):
        sys.stdout.write(f"{line}\n")
    return 0


async def test(path: Path, route: str) -> int:
    """Send a test message on a route, past its queue; return 1 where it has not arrived."""
    settings = load_settings(NotifySettings, path)
    if route not in settings.route:
        raise SettingsError(f"no route {route!r} in {path}; there are {', '.join(settings.route)}")
    result = 0
    for lane, sender in senders(settings, path.parent).items():
        if lane.partition("/")[0] != route:
            continue
        now = datetime.now(UTC)
        alert = _sample(route, now)
        seen = shown(alert, settings.route[route].may_see)
        item = Item(newest=seen, count=1, first_at=now, last_at=now)
        try:
            await sender.send(Outgoing(dispatch(lane, (Waiting("", item, now),), now)))
            sys.stdout.write(f"{lane}: sent by {sender}\n")
        except NotSentError as error:
            sys.stdout.write(f"{lane}: not sent: {error}\n")
            result = _NOT_ALL
    return result


def _sample(route: str, now: datetime) -> Alert:
    return routing.trouble(
        route, now, f"this is a test of the route {route}: nothing has happened", now, over=True
    )


def main() -> None:
    """Do what is asked for; leave with 2 and one line on an error."""
    parser = argparse.ArgumentParser(
        prog="vedette-notifier", description="Tells people what alerts the archive has."
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("run", "check", "test"),
        default="run",
        help="run; check: say what each route does; test: send a message",
    )
    parser.add_argument("route", nargs="?", metavar="ROUTE", help="the route to test")
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="its settings, in TOML")
    parser.add_argument("--json", action="store_true", help="with 'check': as JSON, for programs")
    parser.add_argument("--version", action="version", version=f"vedette-notifier {program_version()}")
    options = parser.parse_args()
    if (options.what == "test") != (options.route is not None):
        parser.error("a route is to be named with 'test', and with nothing else")
    if options.json and options.what != "check":
        parser.error("--json goes with 'check'")
    logging.basicConfig(level=logging.INFO, format="vedette-notifier: %(message)s", stream=sys.stderr)
    try:
        if options.what == "check":
            sys.exit(check(options.settings, as_json=options.json))
        if options.what == "test":
            sys.exit(asyncio.run(test(options.settings, options.route)))
        _run(options.settings)
    except VedetteError as error:
        sys.stderr.write(f"vedette-notifier: {error}\n")
        sys.exit(CANNOT_GO_ON)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(path: Path) -> None:
    os.nice(5)  # who judges goes first
    with asyncio.Runner() as runner:
        runner.run(serve(path))
        sys.stderr.flush()
        os._exit(0)  # a server that does not answer may hold a thread; all that matters is on the disk


if __name__ == "__main__":
    main()
