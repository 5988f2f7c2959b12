"""Random days of suppressing, lifting, time and clocks: nothing suppressed gets through, all else is told."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import check
from vedette_schemas import Lift, ListEntry, Scope, Suppress

from tests import messages
from tests.analyzer.archived import Site

HOSTS = ("host-7", "host-8")
DETECTORS = ("listed-clipboard", "listed-window")
ENTRIES = ("evil.test", "worse.test")
ROWS = tuple(f"host,{name},block,high,,,," for name in ENTRIES)
Named = tuple[str | None, str | None, str | None]


class Wish(NamedTuple):
    scope: Named
    seconds: int


Step = tuple[str, object]

SCOPES: st.SearchStrategy[Named] = st.tuples(
    *(st.sampled_from([None, *names]) for names in (HOSTS, DETECTORS, ENTRIES))
).filter(any)
SEEN = st.tuples(*map(st.sampled_from, (HOSTS, DETECTORS, ENTRIES)))
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("suppress"), st.builds(Wish, SCOPES, st.sampled_from([1, 60, 3_600, 86_400]))),
    st.tuples(st.just("lift"), st.integers(0, 5)),
    st.tuples(st.just("see"), SEEN),
    st.tuples(st.just("see"), SEEN),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 30, 3_000, 90_000])),
    st.tuples(st.just("set the clock"), st.sampled_from([-90_000, -3_600, 7, 3_600, 1e6])),
    st.tuples(st.just("restart"), st.none()),
)


@dataclass
class Promised:
    """What an operator was promised, reckoned in seconds of a clock that nobody sets."""

    id: UUID
    scope: Named
    ends: float
    is_lifted: bool = False

    def covers(self, seen: tuple[str, ...], now: float) -> bool:
        fits = all(want is None or want == have for want, have in zip(self.scope, seen, strict=True))
        return fits and not self.is_lifted and now < self.ends


class Day:
    """A day as it goes: `steady` is the clock that nobody sets, `set` by how much the other differs."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder, *ROWS)
        self.steady = self.set = 0.0
        self.promised: list[Promised] = []
        self.hidden = 0
        self._beat()

    def live(self, steps: list[Step]) -> None:
        for what, detail in steps:
            self.steady += 1
            self._step(what, detail)
            self.site.tick(self._now)
        kept = self.site.reader.suppressed
        assert len(kept.hidden(limit=1_000)) == self.hidden == sum(each.hidden for each in kept.newest())
        told = {followed.alert.id for followed in self.site.reader.alerts_after(limit=1_000)}
        assert not told & {each.alert.id for each in kept.hidden(limit=1_000)}, "published, by and by"
        in_force = {each.id for each in self.promised if not each.is_lifted and self.steady < each.ends}
        assert {each.id for each in kept.in_force(messages.at(self._now))} == in_force
        assert check(self.site.path) == []
        self.site.close()

    @property
    def _now(self) -> float:
        return self.steady + self.set

    def _step(self, what: str, detail: object) -> None:
        match what, detail:
            case "suppress", Wish() as wish:
                self._suppress(wish)
            case "lift", int(number) if self.promised:
                promised = self.promised[number % len(self.promised)]
                act, *_ = self.site.act(Lift(suppression_id=promised.id), self._now)
                assert act.done == (not promised.is_lifted and self.steady < promised.ends)
                promised.is_lifted = True
            case "see", (str(host), str(detector), str(entry)):
                self._see(host, detector, entry)
            case "wait", float() | int() as seconds:
                self.steady += seconds
            case "set the clock", float() | int() as by:
                self.set += by
                self.site.analyzer.clock_moved(timedelta(seconds=by))
            case "restart", _:
                self.site.tick(self._now)  # a second has passed since whatever was before
                self.site.start(self._now)
                self._beat()
            case _:
                pass

    def _suppress(self, wish: Wish) -> None:
        (host, detector, entry), seconds = wish
        indicator = None if entry is None else ListEntry(type="host", value=entry)
        wanted = Scope(host=host, detector=detector, indicator=indicator)
        act, *_ = self.site.act(Suppress(scope=wanted, ttl_seconds=seconds, reason="x"), self._now)
        assert act.done
        for each in self.promised:
            each.is_lifted |= each.scope == wish.scope
        self.promised.append(Promised(act.id, wish.scope, self.steady + seconds))

    def _see(self, host: str, detector: str, entry: str) -> None:
        window = messages.window(title=f"http://{entry}/", process=None)
        item = messages.clipboard(f"http://{entry}/") if detector == "listed-clipboard" else window
        sends, alerts = self.site.report(item, second=self._now, sender=f"sensor@{host}")
        if any(each.covers((host, detector, entry), self.steady) for each in self.promised):
            assert (sends, alerts) == ([], [])
            self.hidden += 1
        else:
            assert [alert.detector for alert in alerts] == [detector]

    def _beat(self) -> None:
        for host in HOSTS:
            self.site.heard(self._now, principal=f"enforcer@{host}")


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=20))
def test_what_is_suppressed_is_neither_told_nor_acted_upon_and_all_else_is(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        Day(Path(folder)).live(steps)
