"""`vedette up`: broker, analyzer and this host's programs under one roof, and their alerts as they come."""

import logging
import os
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from queue import Empty

from vedette_schemas import (
    ANALYZER,
    Alert,
    Life,
    MessageError,
    Principal,
    Program,
    SettingsError,
    Status,
    VedetteError,
    decode_alert,
    decode_status,
    topics,
)
from vedette_transport import (
    Call,
    Connected,
    Event,
    Inbox,
    MqttSession,
    Received,
    Stop,
    serve,
    stop_on_signals,
)
from vedette_transport.identity import Identity
from vedette_transport.renewing import Renewer
from vedette_transport.settings import Address

from .deployment import HOST_PROGRAMS, PROGRAMS, Deployment
from .greeting import how_to_sign_in, parting_lines, ready_lines, telling_line
from .lines import plain
from .screen import OVERDUE_SECONDS, Screen
from .supervisor import Due, Ended, Supervisor
from .telling import Telling
from .trusting import SCREEN, is_established

READY_SECONDS = 30.0
TICK_SECONDS = 0.5

_LOOK_SECONDS = 0.05


class _Late:
    """Not all is ready yet."""


class _Tick:
    """Half a second has passed."""


class ProgramEndedError(VedetteError):
    """A program says that it can't go on, so nothing can."""


class Up:
    """Runs a deployment until told to stop."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        as_json: bool = False,
        on_ready: Callable[[], None] | None = None,
        on_alert: Callable[[Alert], None] | None = None,
    ) -> None:
        """`on_ready` and `on_alert` let a caller follow what happens, within the loop."""
        self._deployment = deployment
        self._on_ready, self._on_alert = on_ready, on_alert
        self._inbox = Inbox()
        self.supervisor = Supervisor(deployment.folder, self._inbox, deployment.environment)
        self.screen = Screen(as_json=as_json)
        self._telling = Telling(deployment.settings_path("notify"))
        self._facts: dict[str, dict[str, str]] = {}
        self._session_off = self._sign_in = ""
        self._ready = False
        self._started: set[str] = set()
        self._unreadable = 0
        self._began, self._alone_told = time.monotonic(), False
        self._ended_loop = threading.Event()
        self._late = threading.Timer(READY_SECONDS, self._inbox.put, (Call(_Late()),))
        self._late.daemon = True
        self._watched = (
            str(ANALYZER),
            str(Principal(Program.SENSOR, deployment.host)),
            str(Principal(Program.ENFORCER, deployment.host)),
        )

    def run(self) -> None:
        """Start all, serve until SIGINT or SIGTERM, end all; raise `VedetteError` if it can't go on."""
        missing = [module for module in PROGRAMS.values() if find_spec(module.partition(".")[0]) is None]
        if missing:
            raise SettingsError(
                f"{missing[0].replace('_', '-')} is not installed here; 'vedette up' needs all programs"
            )
        lock = self._deployment.lock()
        self._deployment.prepare()
        logging.getLogger("vedette_transport").setLevel(logging.ERROR)  # its children's logs tell the rest
        stop_on_signals(self._inbox)
        try:
            self._late.start()
            self._start("ca")
            if self._trust():
                self._serve()
        finally:
            self._late.cancel()
            self._ended_loop.set()
            self.supervisor.stop("broker", "ca")
            self._say_what_stays()
            if lock is not None:
                os.close(lock)

    def _trust(self) -> bool:
        """Wait until it is known who is who; tell whether that is so, and not the end."""
        while not is_established(self._deployment):
            try:
                event = self._inbox.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(event, Stop):
                return False
            self._handle(event)
        return True

    def _serve(self) -> None:
        screen = Identity(self._deployment.identity(SCREEN))
        ca = Address(host="localhost", port=self._deployment.ca_port)
        for identity in (screen, Identity(self._deployment.identity("operator"))):
            Renewer(identity, ca).start()
        session = MqttSession(
            screen.principal,
            self._deployment.broker,
            self._inbox,
            subscriptions=(topics.EVERY_STATUS, topics.EVERY_ALERT),
            identity=screen,
        )
        if self._deployment.own_broker:
            self._start("broker")
        threading.Thread(target=self._tick, name="tick", daemon=True).start()
        serve(session, self._inbox, self._handle)

    def _tick(self) -> None:
        while not self._ended_loop.wait(TICK_SECONDS):
            self._inbox.put(Call(_Tick()))

    def stop(self) -> None:
        """End the loop; may be called from any thread."""
        self._inbox.put(Stop())

    def _handle(self, event: Event) -> None:
        match event:
            case Connected():
                self._start("analyzer")
            case Received(topic, payload):
                self._receive(topic, payload)
            case Call(Ended() as ended):
                self._ended(ended)
            case Call(Due(name)):
                self.supervisor.restart(name)
            case Call(_Tick()):
                self._tell_if_alone()
                self._start_notifier()
                self.screen.show_overdue()
                self.supervisor.trim_logs()
            case Call(_Late()):
                logs = self._deployment.folder / "log"
                self.screen.say(f"still waiting for {', '.join(self._missing())}; logs are in {logs}")
            case _:
                pass

    def _start(self, name: str) -> None:
        """Start a program, unless it was: what is started stays, or is started again by its supervisor."""
        if name not in self._started:
            self._started.add(name)
            self.supervisor.start(name, self._deployment.command(name), self._deployment.log(name))

    def _start_hosts(self) -> None:
        """Start this host's programs once there is somebody to hear them."""
        for name in HOST_PROGRAMS:
            self._start(name)
        if self._deployment.console is not None and "console" not in self._started:
            self._sign_in = how_to_sign_in(self._deployment)
            self._start("console")
        self._start_notifier()

    def _start_notifier(self) -> None:
        """Start the notifier once it has settings; those that it can't use count when they were changed."""
        if str(ANALYZER) in self._facts and "notify" not in self._started and self._telling.is_due():
            self._start("notify")
            if self._ready:
                self.screen.say(telling_line(self._deployment))

    def _receive(self, topic: str, payload: bytes | bytearray) -> None:
        try:
            if topic.startswith(topics.ALERTS):
                self._alert(decode_alert(payload))
            else:
                self._status(decode_status(topic, payload))
        except MessageError as error:
            self._unreadable += 1
            if self._unreadable & (self._unreadable - 1) == 0:  # at 1, 2, 4, 8, …: it may be a flood
                self.screen.say(
                    f"{self._unreadable} messages so far can't be read, the last of them: {error}"
                )

    def _status(self, status: Status) -> None:
        if status.life is not Life.RUNNING or status.principal not in self._watched:
            return
        self._facts[status.principal] = dict(status.facts)
        if status.principal == str(ANALYZER):
            self._start_hosts()
        self._check_ready()

    def _check_ready(self) -> None:
        if self._ready or self._missing():
            return
        self._ready = True
        self._late.cancel()
        self._say_ready()
        if self._on_ready:
            self._on_ready()

    def _missing(self) -> list[str]:
        """Return the programs that have not said yet that they run."""
        missing = [name for name in self._watched if name not in self._facts]
        return missing or ([] if self._session_off or self._session_is_there() else ["session"])

    def _session_is_there(self) -> bool:
        """Tell whether the session has reached both of this host's other programs."""
        host = self._deployment.host
        notify = self._facts[f"enforcer@{host}"].get("notify", "")
        return self._facts[f"sensor@{host}"].get("sessions") != "0" and notify.startswith("on")

    def _ended(self, ended: Ended) -> None:
        settings = self._deployment.settings_path(ended.name)
        words = plain(self._deployment.overlay.blamed(ended.name, ended.reason, settings), 500)
        by_settings = str(settings) in ended.reason
        if ended.can_go_on:
            delay = self.supervisor.restart_later(ended.name)
            how = words if ended.failed_to_start else ended.how
            self.screen.say(f"{ended.name} ended ({how}); starting it again in {delay:.1f} s")
        elif ended.name == "notify" and not (self._telling.is_as_at_first and by_settings):
            self._started.discard(ended.name)
            self.screen.say(f"{words}; all else goes on, and an edit has it tried again")
        elif ended.name == "console" and not by_settings:
            self.screen.say(f"{words}; all else goes on")
        elif ended.name == "session" and not by_settings:
            self._session_off = words
            self.screen.say(words)
            self._check_ready()
        else:
            log = self._deployment.log(ended.name)
            raise ProgramEndedError(f"{ended.name}: {words or 'ended'}; see {log}")

    def _alert(self, alert: Alert) -> None:
        self.screen.alert(alert)
        if self._on_alert:
            self._on_alert(alert)

    def _tell_if_alone(self) -> None:
        """Say once that no broker answers, where it is not one of ours, which says it itself."""
        if not self._alone_told and not self._started and time.monotonic() > self._began + OVERDUE_SECONDS:
            self._alone_told = True
            self.screen.say(f"no broker at {self._deployment.broker} yet; trying again")

    def _say_ready(self) -> None:
        deployment = self._deployment
        if self.screen.as_json:
            self.screen.say(f"ready: host {deployment.host}, broker {deployment.broker}")
            return
        facts = self._facts_of(Program.SENSOR), self._facts_of(Program.ENFORCER)
        analyzer = self._facts.get(str(ANALYZER), {})
        for line in ready_lines(deployment, *facts, self._sign_in, analyzer):
            self.screen.say(line)

    def _say_what_stays(self) -> None:
        if "enforcer" in self._started:
            for line in parting_lines(self._deployment, self._facts_of(Program.ENFORCER)):
                self.screen.say(line)

    def _facts_of(self, program: Program) -> dict[str, str]:
        return self._facts.get(str(Principal(program, self._deployment.host)), {})
