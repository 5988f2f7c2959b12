"""Random days of findings, approvals, undoings, answers and time: restarts change nothing, all agrees."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_analyzer.orders import Send
from vedette_archive import check
from vedette_schemas import Alert, Block, BlockedHost, Direct, Isolate, Mode, OutcomeStatus

from tests import messages
from tests.analyzer.archived import FACTS, Site

ROWS = (
    "host,evil.test,block,high,,,,",
    "host,worse.test,block,high,,,,",
    "ip,192.0.2.7,terminate,high,,,,",
    "program,game,terminate,high,,,,",
)
SEEN = {
    "evil": messages.clipboard("http://evil.test/"),
    "worse": messages.clipboard("http://worse.test/ and evil.test"),
    "connection": messages.connection(),
    "game": messages.window(),
}
BY_HAND = (
    Isolate(ttl_seconds=7_200),
    Block(target=BlockedHost(name="evil.test", subdomains=True), ttl_seconds=600),
)
Step = tuple[str, object]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("see"), st.sampled_from(sorted(SEEN))),
    st.tuples(st.just("answer"), st.tuples(st.integers(0, 9), st.sampled_from(OutcomeStatus))),
    st.tuples(st.just("approve"), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
    st.tuples(st.just("direct"), st.sampled_from(BY_HAND)),
    st.tuples(st.just("wait"), st.sampled_from([1, 65, 700, 1_000, 50_000])),
    st.tuples(st.just("mode"), st.sampled_from(Mode)),
)
Told = list[tuple[UUID, str, str]]


class Day:
    """A day as it went: what was told, and what was sent."""

    def __init__(self, folder: Path, *, restarts: bool) -> None:
        self.site, self.restarts, self.now = Site(folder, *ROWS), restarts, 0.0
        self.told: Told = []
        self.sent: dict[UUID, Send] = {}
        self.site.heard()

    def live(self, steps: list[Step]) -> None:
        for what, detail in steps:
            self.now += 1
            sends, alerts = self._step(what, detail)
            self._take(sends, alerts)
            if self.restarts:
                self.site.start(self.now)
            self._take(self.site.heard(self.now, facts=FACTS), [])
        assert check(self.site.path) == []
        self.site.close()

    def _step(self, what: str, detail: object) -> tuple[list[Send], list[Alert]]:
        site = self.site
        names = [command.id for command in reversed(site.reader.newest_commands())]
        match what, detail:
            case "answer", (int(number), OutcomeStatus() as status) if self.sent:
                send = list(self.sent.values())[number % len(self.sent)]
                return [], site.answer(send, self.now, status=status)
            case (("approve" | "undo"), int(number)) if names:
                act = site.approve if what == "approve" else site.undo
                return act(names[number % len(names)], self.now)[1:]
            case "direct", Block() | Isolate() as order:
                return site.act(Direct(host="host-7", order=order), self.now)[1:]
            case "see", str(name):
                return site.report(SEEN[name], second=self.now)
            case "wait", int(seconds):
                self.now += seconds
                return [], site.tick(self.now)
            case "mode", Mode() as mode:
                site.mode = mode
            case _:
                pass
        return [], []

    def _take(self, sends: list[Send], alerts: list[Alert]) -> None:
        waiting = {command.id for command in self.site.reader.open_commands() if command.waits}
        assert not waiting & {send.command.id for send in sends}, "what waits for approval is not sent"
        self.sent |= {send.command.id: send for send in sends}
        self.told += sorted((alert.id, alert.state, alert.done) for alert in alerts)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_a_restart_changes_nothing_and_the_archive_agrees(steps: list[Step]) -> None:
    days: list[Day] = []
    for restarts in (False, True):
        with TemporaryDirectory() as folder:
            day = Day(Path(folder), restarts=restarts)
            day.live(steps)
            days.append(day)
    assert days[0].told == days[1].told
    assert set(days[0].sent) == set(days[1].sent)
