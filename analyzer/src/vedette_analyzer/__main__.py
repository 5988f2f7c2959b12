"""`vedette-analyzer`: reports in, acks, commands and alerts out. It decides nothing here: see core.py."""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from vedette_archive import Entry, Reader
from vedette_schemas import (
    ANALYZER,
    Ack,
    ActAnswer,
    Alert,
    Principal,
    SettingsError,
    Severity,
    encode,
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
    program_version,
    run,
    serve,
)
from vedette_transport.delivery import Receiver
from vedette_transport.identity import Identity
from vedette_transport.signing import ActVerifier

from .clock import Clock
from .desk import ActDesk
from .faults import trace
from .feeds.trouble import FeedTrouble
from .following import AlertFollower
from .guarding import GuardRead
from .hunting.child import Hunted
from .in_force import InForce
from .intake import Intake
from .keeping import FOLLOWER, Keeper, Kept, NotKept
from .metrics.meters import Meters
from .metrics.showing import show
from .orders import Send
from .presence import Presence
from .reception import SUBSCRIPTIONS, Led, Reception
from .revoked import Revoked
from .settings import AnalyzerSettings
from .suspects import Suspects, TrialEnded
from .taking_up import opened, taken_up
from .ticking import Tick, tick
from .troubles import trouble
from .unusable import Unusable
from .watch import ListsRead
from .work import Heartbeat, Then, Work

log = logging.getLogger(__name__)


class Server:
    """The shell: what comes from the broker goes to the core, what the core wants to broker and archive."""

    def __init__(self, settings: AnalyzerSettings, path: Path) -> None:
        """Read keys, lists and archive; raise a `VedetteError` where they can't be used."""
        folder = path.parent
        self._settings = settings
        self._identity = Identity(folder / settings.identity)
        if self._identity.principal != ANALYZER:
            raise SettingsError(f"{settings.identity}: is the identity of {self._identity.principal}")
        self._inbox, self._clock = Inbox(), Clock()
        self._in_force = InForce(settings, folder, self._inbox)
        self._presence, self._unusable, self._work = Presence(), Unusable(), Work()
        self._archive_trouble = self._failure = self._audit = ""
        self._is_listening = False

        self._archive = folder / settings.archive
        writer, mark = opened(self._archive)
        reader = Reader(self._archive)
        self._receiver = Receiver(reader.books)
        self._analyzer = taken_up(settings, self._in_force, reader, self._presence, self._clock)
        self._meters = Meters()
        self._keeper = Keeper(writer, settings.retention, self._inbox)
        self._follower = AlertFollower(reader, self._publish_alert, reader.follower(FOLLOWER))
        where = ANALYZER, settings.broker, self._inbox
        self._session = MqttSession(
            *where, subscriptions=SUBSCRIPTIONS, facts=self._facts, identity=self._identity
        )
        ca = self._identity.folder.files().ca
        self._revoked = Revoked(settings.crl and folder / settings.crl, ca)
        self._desk = ActDesk(ActVerifier(ca, self._revoked.__contains__), self._analyzer, reader.act)
        self._suspects = Suspects(reader.deaths(), path, self._inbox)
        intake = Intake(self._receiver, self._analyzer, mark, self._suspects)
        who = self._desk, self._presence, self._analyzer, self._receiver, self._unusable, self._clock
        self._reception = Reception(intake, *who, asked=self._session.answer_soon)

    def run(self) -> None:
        """Judge until told to stop; raise `SettingsError` where the archive can't be used any more."""
        stopping = threading.Event()
        threading.Thread(target=tick, args=(self._inbox, stopping), name="tick", daemon=True).start()
        self._work.add(self._own("analyzer.started", f"version {program_version()}"))
        self._in_force.start(stopping)
        self._keeper.start()
        if self._settings.metrics is not None:
            whose = self._analyzer, self._keeper, self._unusable, self._in_force
            show(self._settings.metrics, self._archive, self._meters, *whose)
        serve(self._session, self._inbox, self._handle)
        stopping.set()
        self._keeper.close(None if self._failure else self._own("analyzer.stopped", "it was told to stop"))
        if self._failure:
            raise SettingsError(self._failure)

    def _handle(self, event: Event) -> None:
        if moved := self._clock.look():
            log.warning("the clock was set by %+.0f s", moved.total_seconds())
            self._analyzer.clock_moved(moved)
            self._work.clock_moved(moved, before=self._clock.now - moved)
            words = f"the server's clock was set by {moved.total_seconds():+.0f} s"
            self._work.add(self._own("clock.set", words))
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
            case Tick():
                self._tick()
            case Kept():
                self._kept(result)
            case NotKept(why, is_final):
                self._not_kept(why, is_final=is_final)
            case ListsRead() | GuardRead():
                self._carry_out(self._in_force.take(result, self._clock.now))
            case Hunted():
                hunter = self._in_force.hunter
                self._carry_out(hunter.take(result, self._clock.now, self._analyzer.found_later))
            case TrialEnded(place, trial):
                self._suspects.ended(place, trial)
            case FeedTrouble(key=key, severity=severity, summary=summary):
                self._carry_out([trouble("feed", severity, summary, now=self._clock.now, name=key)])
            case _:
                pass

    def _receive(self, topic: str, payload: bytes | bytearray) -> None:
        try:
            self._carry_out(self._reception.take(topic, payload))
        except Exception as error:  # noqa: BLE001 (no single message may end us)
            self._unusable.drop(f"a fault of ours: {trace(error)}")

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
        self._meters.kept(kept)
        self._audit = str(kept.audit)
        if self._archive_trouble:
            log.warning("archiving again")
            self._archive_trouble = ""
        acks = self._receiver.committed(kept.work.taken)
        for reconciled in kept.reconciled:
            acks += self._receiver.closed(reconciled)
        self._carry_out(acks)
        self._carry_out(self._desk.archived(kept.work.acts))
        for then in kept.work.then:
            then.do()
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

    def _carry_out(self, effects: Iterable[Led | Then]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    token = self._identity.signer().sign(effect.command)
                    self._session.publish(topics.command(effect.audience), token.encode())
                case Ack() | ActAnswer():
                    topic = topics.ack(Principal.parse(effect.audience))
                    self._session.publish(topic, encode(effect), qos=0)
                case Heartbeat():
                    self._work.hear(effect)
                case _:
                    self._work.add(effect)

    def _own(self, what: str, words: str) -> Entry:
        """Return the row of the audit about what we did ourselves."""
        return Entry(self._clock.now, str(ANALYZER), what, words)

    def _publish_alert(self, alert: Alert) -> Callable[[], bool] | None:
        return self._session.publish_tracked(topics.alert(alert.severity, alert.host), encode(alert))

    def _facts(self) -> dict[str, str]:
        return {
            **self._in_force.facts,
            "mode": str(self._settings.mode),
            "dropped": str(self._unusable.dropped),
            "suppressed": str(self._analyzer.suppressed or "nothing"),
            "audit": f"on: {self._audit}",
            "archive": f"off: {self._archive_trouble}"[:300] if self._archive_trouble else "on",
        }


def _program(path: Path) -> None:
    Server(load_settings(AnalyzerSettings, path), path).run()


def main() -> None:
    """Run the analyzer."""
    run("vedette-analyzer", "Judges what sensors report and orders what is to be done.", _program)


if __name__ == "__main__":
    main()
