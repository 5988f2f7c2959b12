"""What a hunt finds in an archive, and how it is told."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_analyzer.detectors import LISTED, Lists
from vedette_analyzer.edited import LARGE_BYTES
from vedette_analyzer.finding import Finding
from vedette_analyzer.hunting.newer import COMPILED_FROM, News, opened, table_of
from vedette_analyzer.hunting.search import Search
from vedette_analyzer.hunting.telling import alert_of, name_of, untold
from vedette_analyzer.watch import ListFiles
from vedette_archive import Batch, Judged, Place
from vedette_indicators import IndicatorTable, read_list
from vedette_schemas import Action, Mode, Observation, Severity, Stream

from tests import messages
from tests.analyzer.hunting.world import Site, source, text
from tests.messages import NOON, SPOOL, at

LURE = "host,lure.test,block,high,,,T1204,a lure"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.listed("host,known.test,,,,,,")
    yield site
    site.writer.close()


def test_what_is_listed_now_is_found_with_how_often_first_and_last(site: Site) -> None:
    site.seen(
        messages.clipboard("see www.lure.test", 5),
        messages.clipboard("nothing"),
        messages.clipboard("lure.test and www.lure.test", 3),
        messages.clipboard("known.test", 4),
    )
    site.seen(messages.window(9, title="LURE.test/x - Browser"))
    site.seen(messages.window(1, title="lure.test"), host="host-8")
    wanted = site.listed("host,known.test,,,,,,", LURE)
    assert wanted is not None
    ended = site.hunt(wanted)
    assert (ended.entries, ended.observations, ended.hits, ended.untold) == (1, 6, 2, 0)
    seven, eight = site.hits
    assert (seven.host, seven.found.count) == ("host-7", 3)
    assert (seven.found.first_seen_at, seven.found.last_seen_at) == (at(3), at(9))
    assert (seven.origin.kind, seven.origin.number, seven.origin.excerpt) == (
        "window",
        1,
        "LURE.test/x - Browser",
    )
    assert (eight.host, eight.found.count, eight.found.last_seen_at) == ("host-8", 1, at(1))
    told = alert_of(seven, Mode.ENFORCE, None, NOON)
    assert (told.action, told.command_id, told.found_later) == (Action.ALERT, None, seven.found)
    assert told.done == (
        "found in the archive: seen 3 times, first at 2026-11-21T12:00:03Z, last at 2026-11-21T12:00:09Z"
    )
    assert told.match is not None
    assert (told.match.list, told.match.line, told.severity) == ("blocklist.csv", 3, Severity.HIGH)
    assert (
        alert_of(eight, Mode.ENFORCE, None, NOON).done == "found in the archive: seen at 2026-11-21T12:00:01Z"
    )


def test_what_is_too_common_says_so(site: Site) -> None:
    site.seen(messages.clipboard("lure.test"))
    site.hunt(site.listed(LURE) or 0)
    told = alert_of(site.hits[0], Mode.ENFORCE, lambda name: f"{name} is everybody's", NOON)
    assert told.done.endswith("; lure.test is everybody's")


def test_what_was_told_when_it_was_seen_is_not_told_again(site: Site) -> None:
    site.seen(messages.clipboard("lure.test", 1), messages.clipboard("lure.test", 2))
    place = Place(Stream("sensor@host-7", SPOOL, "clipboard"), 2)
    key = "listed-clipboard|copied text|host|lure.test"
    judged = Judged(place, key, NOON, "listed-clipboard", Severity.HIGH, "{}", Action.ALERT, "{}")
    site.writer.store(Batch(findings=(judged,)))
    site.hunt(site.listed(LURE) or 0)
    (hit,) = site.hits
    assert (hit.found.count, hit.found.last_seen_at) == (1, at(1))


def test_what_was_told_by_a_hunt_is_told_again_only_if_there_is_more(site: Site) -> None:
    site.seen(messages.clipboard("lure.test", 1))
    wanted = site.listed(LURE) or 0
    site.hunt(wanted)
    site.writer.store(Batch(alerts=(alert_of(site.hits[0], Mode.ENFORCE, None, NOON),)))
    assert site.hunt(wanted).hits == 1
    assert len(site.hits) == 1
    site.seen(messages.clipboard("lure.test", 2), first=2)
    site.hunt(wanted)
    assert [hit.found.count for hit in site.hits] == [1, 2]
    assert len({name_of(hit) for hit in site.hits}) == 1


def test_an_entry_that_moves_or_changes_is_not_new(site: Site) -> None:
    site.seen(messages.clipboard("known.test"))
    site.generations.write([source("# a remark", "host,KNOWN.test,block,high,,,,", name="other.csv")])
    assert site.hunt(2).entries == 0
    site.generations.settle(2)
    site.generations.write([source("host,known.test,allow,,,,,")])
    assert site.hunt(3).entries == 0
    site.generations.settle(3)
    site.listed("host,known.test,,,,,,")
    assert site.hunt(4).entries == 1
    assert len(site.hits) == 1


def test_more_than_can_be_told_is_counted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette_analyzer.hunting.__main__.MOST_TOLD", 3)
    site.seen(*(messages.clipboard(f"n{number}.test") for number in range(5)))
    site.seen(messages.clipboard("n0.test"), host="host-8")
    ended = site.hunt(site.listed(*(f"host,n{number}.test,,,,,," for number in range(5))) or 0)
    assert (ended.hits, ended.untold, len(site.hits)) == (6, 3, 3)
    (told,) = untold(ended, NOON)
    assert "and 3 of them are not told one by one" in told.summary
    assert list(untold(ended.model_copy(update={"untold": 0}), NOON)) == []


def test_a_list_of_before_that_is_damaged_counts_as_not_there(site: Site) -> None:
    site.seen(messages.clipboard("known.test"))
    wanted = site.listed("host,known.test,,,,,,", LURE) or 0
    site.generations.lists(1)[0].file.write_bytes(b"rubbish")
    assert site.hunt(wanted).entries == 2
    assert len(site.hits) == 1


def test_an_observation_that_can_not_be_looked_at_keeps_no_other_from_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.seen(messages.clipboard("secret", 1), messages.clipboard("lure.test", 2))
    looked = Search.findings

    def findings(search: Search, seen: Observation) -> list[Finding]:
        if seen.seen_at == at(1):
            raise ValueError(seen.model_dump_json())
        return looked(search, seen)

    monkeypatch.setattr(Search, "findings", findings)
    assert site.hunt(site.listed(LURE) or 0).hits == 1
    assert "could not be searched" in caplog.text
    assert "secret" not in caplog.text


def large(*more: str) -> bytes:
    rows = (f"host,h{n}.crowd.test,,,,,,{'a' * 80}" for n in range(LARGE_BYTES // 80))
    return text(*rows, *more)


def test_of_a_large_list_what_is_new_is_found_and_of_a_new_list_all(tmp_path: Path, site: Site) -> None:
    site.seen(
        messages.clipboard("h7.crowd.test"), messages.clipboard("lure.test"), messages.clipboard("x.test")
    )
    path, other = tmp_path / "big.csv", tmp_path / "other.csv"
    path.write_bytes(large())
    files = ListFiles([path], tmp_path / "compiled")
    site.generations.write(files.first().sources)
    site.generations.settle(2)
    path.write_bytes(large(LURE))
    edited = files.changed()
    assert edited is not None
    ended = site.hunt(site.generations.write(edited.sources) or 0)
    assert (ended.entries, [hit.finding.indicator for hit in site.hits]) == (1, ["host|lure.test"])
    assert site.hits[0].finding.match is not None
    assert site.hits[0].finding.match.indicator.line == large(LURE).count(b"\n")
    site.generations.settle(3)
    other.write_bytes(large("host,x.test,,,,,,", *(f"host,m{n}.test,,,,,," for n in range(COMPILED_FROM))))
    files.feeds = (other,)
    edited = files.changed()
    assert edited is not None
    ended = site.hunt(site.generations.write(edited.sources) or 0)
    assert (ended.entries, [hit.finding.indicator for hit in site.hits[1:]]) == (
        COMPILED_FROM + 1,
        ["host|x.test"],
    )
    assert sorted(each.name for each in site.generations.folder.iterdir()) == ["3", "4"]


ENTRIES = (
    "host,lure.test",
    "host,www.lure.test",
    "url,http://lure.test/a",
    "ip,192.0.2.7",
    "ip:port,192.0.2.7:443",
    "cidr,192.0.2.0/24",
    "program,game",
    "path,/opt/game/game",
    f"hash,{'ab' * 32}",
    "phrase,free robux",
    "phrase,robux",
)
TEXTS = (
    "www.lure.test",
    "http://lure.test/a?b",
    "hxxp://lure[.]test",
    "free robux",
    "x robux",
    "ab" * 32,
    "192.0.2.7",
    "game",
    "-",
)
rows = st.lists(
    st.tuples(
        st.sampled_from(ENTRIES), st.sampled_from(("alert", "allow", "")), st.sampled_from(("", "2026-11-20"))
    ),
    max_size=8,
    unique_by=lambda row: (row[0], row[1] == "allow", row[2]),
).map(lambda found: [f"{entry},{action},,{expires},,," + "," for entry, action, expires in found])
texts = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(" ".join)
processes = st.sampled_from(("/opt/game/game", "/usr/bin/vi", r"C:\Game.EXE")).map(
    lambda path: messages.process(executable=path)
)
names = st.sampled_from((None, "www.lure.test", "other.test"))
observations: st.SearchStrategy[Observation] = st.one_of(
    texts.map(messages.clipboard),
    st.tuples(texts, processes).map(lambda said: messages.window(title=said[0], process=said[1])),
    processes.map(lambda process: messages.started(process=process, sha256="ab" * 32)),
    processes.map(lambda process: messages.hashed(process=process)),
    names.map(lambda name: messages.connection(host=name)),
)


def live(table: IndicatorTable, seen: Observation) -> dict[str, Finding]:
    """What judging finds in an observation by these lists."""
    found: dict[str, Finding] = {}
    for each in (made(Lists(table)) for made in LISTED):
        if isinstance(seen, each.watches):
            for finding in each.inspect(seen):
                found.setdefault(finding.key, finding)
    return found


def is_of(finding: Finding, known: set[tuple[str, str]]) -> bool:
    assert finding.match is not None
    return (finding.match.indicator.type, finding.match.indicator.value) in known


def entries(lines: list[str]) -> set[tuple[str, str]]:
    rows, _ = read_list(text(*lines), name="x")
    return {(row.type, row.value) for row in rows if row.action != "allow"}


@settings(max_examples=300, deadline=None)
@given(rows, rows, st.lists(observations, max_size=4), st.booleans())
def test_a_hunt_finds_what_judging_would_have_found_of_the_new_entries_and_nothing_else(
    before: list[str], now: list[str], seen: list[Observation], are_many: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.generations.write([source(*before)])
        wanted = site.listed(*now)
        site.writer.close()
        if wanted is None:
            assert before == now
            return
        known, listed = opened(site.generations.lists(1)), opened(site.generations.lists(wanted))
        news = News(known, listed)
        everything = IndicatorTable(row for each in listed for row in each.rows)
        search = Search(
            table_of(news.rows(), Path(folder, "scratch"), 0 if are_many else 100), everything, news.is_new
        )
        old = entries(before)
        for each in seen:
            found = live(everything, each).items()
            expected = {key: finding for key, finding in found if not is_of(finding, old)}
            assert {finding.key: finding for finding in search.findings(each)} == expected
