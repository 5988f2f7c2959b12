"""`vedette-analyzer`: reports in, acks, commands and alerts out. It decides nothing here: see core.py."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from vedette_archive import Reader, Run, Writer
from vedette_schemas import (
    ANALYZER,
    Ack,
    ActAnswer,
    Alert,
    Life,
    MessageError,
    OtherVersionError,
    Principal,
    Program,
    SettingsError,
    Severity,
    decode_status,
    encode,
    read_report,
    topics,
)
from vedette_transport import (
    Call,
    Connected,
    Disconnected,
    Event,
    Inbox,
    MqttSession,
    Received,
    Stop,
    load_settings,
    run,
    serve,
)
from vedette_transport.delivery import Receiver
from vedette_transport.identity import Identity
from vedette_transport.signing import ActVerifier

from .clock import Clock
from .core import Analyzer
from .desk import ActDesk
from .detectors import all_detectors
from .detectors.lists import Lists
from .faults import trace
from .feeds.child import FeedKeeper
from .feeds.trouble import FeedTrouble
from .following import AlertFollower
from .guarding import guard_of, protected
from .intake import Intake
from .keeping import FOLLOWER, Heartbeat, Keeper, Kept, NotKept, Work
from .orders import Effect, Send
from .presence import Presence
from .remembering import remembered
from .revoked import Revoked
from .settings import AnalyzerSettings
from .suspects import JudgingMark, Suspects, TrialEnded
from .troubles import trouble
from .unusable import Unusable
from .watch import ListFiles, ListsRead, watch

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
_HOST_PROGRAMS = frozenset({Program.SENSOR, Program.ENFORCER})


class _Tick:
    """Time has passed."""


class Server:
    """The shell: what comes from the broker goes to the core, what the core wants to broker and archive."""

    def __init__(self, settings: AnalyzerSettings, path: Path) -> None:
        """Read keys, lists and archive; raise a `VedetteError` where they can't be used."""
        folder = path.parent
        self._settings = settings
        self._identity = Identity(folder / settings.identity)
        if self._identity.principal != ANALYZER:
            raise SettingsError(f"{settings.identity}: is the identity of {self._identity.principal}")
        beside = (folder / settings.archive).with_name
        self._feeds = FeedKeeper(settings.feeds and folder / settings.feeds, beside("feeds"))
        lists = [folder / name for name in settings.lists]
        self._files = ListFiles(lists, beside("compiled-lists"), self._feeds.lists)
        first = self._files.first()
        look_alikes = protected(settings.protect and folder / settings.protect)
        self._lists, self._entries = Lists(first.table, look_alikes), first.entries
        self._inbox = Inbox()
        self._inbox.put(Call(first))
        self._clock = Clock()
        self._presence = Presence()
        self._work = Work()
        self._unusable = Unusable()
        self._archive_trouble = self._failure = ""
        self._is_listening = False

        archive = folder / settings.archive
        writer = Writer(archive)
        mark = JudgingMark.beside(archive)
        if (deadly := mark.left_behind()) is not None:
            with writer.transaction() as books:
                books.died(deadly)
            mark.clear()
        self._reader = reader = Reader(archive)
        self._receiver = Receiver(reader.books)
        detectors = all_detectors(self._lists)
        self._analyzer = Analyzer(
            detectors,
            settings.mode_of,
            reader.command,
            block_for=timedelta(hours=settings.block_hours),
            approve_within=timedelta(minutes=settings.approve_minutes),
            guarded=guard_of([folder / name for name in settings.guard]).guarded,
        )
        self._analyzer.restore(reader.open_commands(), reader.lasting_commands(self._clock.now))
        ca = self._identity.folder.files().ca
        self._revoked = Revoked(settings.crl and folder / settings.crl, ca)
        verifier = ActVerifier(ca, self._revoked.__contains__)
        self._desk = ActDesk(verifier, self._analyzer, reader.act)
        for observation in remembered(reader, detectors, self._clock.now):
            self._analyzer.remember(observation)
        for sender in reader.senders():
            principal = Principal.parse(sender.principal)
            self._analyzer.expect(principal)
            self._presence.restore(principal, sender.life, self._clock.seconds)
        suspects = Suspects(reader.deaths(), path, self._inbox)
        self._suspects = suspects
        self._intake = Intake(self._receiver, self._analyzer, mark, suspects)
        self._keeper = Keeper(writer, settings.retention, self._inbox)
        self._session = MqttSession(
            ANALYZER,
            settings.broker,
            self._inbox,
            subscriptions=(topics.EVERY_REPORT, topics.EVERY_STATUS, topics.EVERY_ACT),
            facts=self._facts,
            identity=self._identity,
        )
        self._follower = AlertFollower(reader, self._publish_alert, reader.follower(FOLLOWER))

    def run(self) -> None:
        """Judge until told to stop; raise `SettingsError` where the archive can't be used any more."""
        stopping = threading.Event()
        for target in (watch, _tick):
            args = (self._files, self._inbox, stopping) if target is watch else (self._inbox, stopping)
            threading.Thread(target=target, args=args, name=target.__name__, daemon=True).start()
        self._feeds.start(self._inbox, stopping)
        self._keeper.start()
        serve(self._session, self._inbox, self._handle)
        stopping.set()
        self._keeper.close()
        if self._failure:
            raise SettingsError(self._failure)

    def _handle(self, event: Event) -> None:
        if moved := self._clock.look():
            log.warning("the clock was set by %+.0f s", moved.total_seconds())
            self._analyzer.clock_moved(moved)
        match event:
            case Received(topic, payload):
                self._receive(topic, payload)
            case Call(result):
                self._take_up(result)
            case Connected():
                self._is_listening = True
                self._presence.listening_again(self._clock.seconds)
                self._follower.begin_again()
                self._follow()
            case Disconnected():
                self._is_listening = False
            case _:
                pass
        if self._work and self._keeper.is_idle:
            self._work.taken = self._receiver.batch()
            self._keeper.keep(self._work)
            self._work = Work()

    def _take_up(self, result: object) -> None:
        match result:
            case _Tick():
                self._tick()
            case Kept():
                self._kept(result)
            case NotKept(why, is_final):
                self._not_kept(why, is_final=is_final)
            case ListsRead():
                self._take_lists(result)
            case TrialEnded(place, trial):
                self._suspects.ended(place, trial)
            case FeedTrouble(key=key, severity=severity, summary=summary):
                self._carry_out([trouble("feed", severity, summary, now=self._clock.now, name=key)])
            case _:
                pass

    def _receive(self, topic: str, payload: bytes | bytearray) -> None:
        try:
            if topics.is_report(topic):
                arrived = read_report(topic, payload)
                self._carry_out(
                    self._intake.report(arrived, len(payload), self._clock.now, self._clock.counted)
                )
            elif topics.is_act(topic):
                self._carry_out(self._desk.take(topic, payload, self._clock.now))
            else:
                self._status(topic, payload)
        except OtherVersionError as error:
            self._carry_out(self._unusable.other_version(str(error), self._clock.now))
        except MessageError as error:
            self._unusable.drop(str(error))
        except Exception as error:  # noqa: BLE001 (no single message may end us)
            self._unusable.drop(f"a fault of ours: {trace(error)}")

    def _status(self, topic: str, payload: bytes | bytearray) -> None:
        status = decode_status(topic, payload)
        principal = Principal.parse(status.principal)
        if principal.program in topics.MAY_ACT and status.life is Life.RUNNING:
            self._session.answer_soon()  # who asks how we are need not wait for the next heartbeat
        if principal.program not in _HOST_PROGRAMS:
            return
        now = self._clock.now
        self._carry_out(self._presence.heard(status, self._clock.seconds, now))
        self._carry_out(self._analyzer.status(status, now))
        pending = self._receiver.pending(status.principal) if status.delivery else {}
        words = status.program_version, status.facts
        self._work.hear(Heartbeat(principal, status.life, now, status.delivery, pending, *words))

    def _tick(self) -> None:
        now = self._clock.now
        self._carry_out(self._analyzer.tick(now))
        self._carry_out(self._revoked.tick(now))
        if self._is_listening:
            self._carry_out(self._presence.tick(self._clock.seconds, now))
        self._follow()

    def _kept(self, kept: Kept) -> None:
        """Ack what is archived, and tell it."""
        self._keeper.is_idle = True
        if self._archive_trouble:
            log.warning("archiving again")
            self._archive_trouble = ""
        acks = self._receiver.committed(kept.work.taken)
        for reconciled in kept.reconciled:
            acks += self._receiver.closed(reconciled)
        self._carry_out(acks)
        self._carry_out(self._desk.archived(kept.work.acts))
        if kept.stored.alerts or kept.reconciled:
            self._follow()

    def _not_kept(self, why: str, *, is_final: bool) -> None:
        """Say that nothing is archived, on the one way that is left; what is not archived is not acked."""
        log.error("nothing is archived: %s", why)
        self._archive_trouble = why
        self._publish_alert(trouble("archive", Severity.HIGH, why, now=self._clock.now))
        if is_final:
            self._failure = why
            self._inbox.put(Stop())

    def _follow(self) -> None:
        if self._is_listening and self._follower.go_on():
            self._work.published = self._follower.sequence

    def _carry_out(self, effects: Iterable[Effect | Ack | ActAnswer | Run]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    token = self._identity.signer().sign(effect.command)
                    self._session.publish(topics.command(effect.audience), token.encode())
                case Ack() | ActAnswer():
                    topic = topics.ack(Principal.parse(effect.audience))
                    self._session.publish(topic, encode(effect), qos=0)
                case Run():
                    self._work.runs.append(effect)
                case _:
                    self._work.add(effect)

    def _publish_alert(self, alert: Alert) -> Callable[[], bool] | None:
        return self._session.publish_tracked(topics.alert(alert.severity, alert.host), encode(alert))

    def _take_lists(self, reading: ListsRead) -> None:
        self._lists.table, self._entries = reading.table, reading.entries
        log.info("%d indicators in force", reading.entries)
        for problem in reading.problems:
            log.warning("%s", problem)
            self._carry_out([trouble("list", Severity.MEDIUM, problem, now=self._clock.now)])

    def _facts(self) -> dict[str, str]:
        return {
            "indicators": f"on: {self._entries} in force",
            "mode": str(self._settings.mode),
            "dropped": str(self._unusable.dropped),
            "archive": f"off: {self._archive_trouble}"[:300] if self._archive_trouble else "on",
        }


def _tick(inbox: Inbox, stopping: threading.Event) -> None:
    while not stopping.wait(TICK_SECONDS):
        inbox.put(Call(_Tick()))


def _program(path: Path) -> None:
    Server(load_settings(AnalyzerSettings, path), path).run()


def main() -> None:
    """Run the analyzer."""
    run("vedette-analyzer", "Judges what sensors report and orders what is to be done.", _program)


if __name__ == "__main__":
    main()
