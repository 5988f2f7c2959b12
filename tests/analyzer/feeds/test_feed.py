"""What becomes of a feed: in force, held back, accepted, kept while its source is away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from vedette_analyzer.feeds.feed import Feed
from vedette_analyzer.feeds.folder import FeedFiles
from vedette_analyzer.feeds.settings import FeedSettings
from vedette_analyzer.feeds.trouble import FeedTrouble
from vedette_indicators import read_list
from vedette_schemas import Severity

from tests.analyzer.feeds.source import Behaviour, Source, answer, silence, source

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
HOURS = timedelta(hours=1)


def hosts(count: int, first: int = 0) -> str:
    return "".join(f"0.0.0.0 evil{n}.test\n" for n in range(first, first + count))


class Kept:
    """A feed in a folder, taken up anew as often as a test asks for."""

    def __init__(self, folder: Path, served: Source) -> None:
        self.served, self.folder = served, folder
        self.files = FeedFiles(folder / "feeds", "x")
        self.feed, self.told = self.again()

    def again(self, now: datetime = NOW, **changes: Any) -> tuple[Feed, list[FeedTrouble]]:
        values = {
            "source": self.served.url(),
            "format": "hosts",
            "private": True,
            "max_seconds": 5,
            **changes,
        }
        self.feed = Feed("x", FeedSettings.model_validate(values), self.files, self.folder)
        return self.feed, list(self.feed.begin(now))

    def update(self, behaviour: Behaviour | str, now: datetime = NOW) -> list[str]:
        self.served.behaviours["/"] = answer(behaviour) if isinstance(behaviour, str) else behaviour
        return [trouble.summary for trouble in self.feed.update(now)]

    def accept(self, digest: str) -> list[FeedTrouble]:
        self.files.accepted.write_text(digest)
        assert self.feed.is_accepted
        return list(self.feed.accept(NOW))

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        good, bad = read_list(self.files.list.read_bytes(), name="x")
        assert bad == ()
        return [(row.value, row.action, row.comment) for row in good]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with source() as served:
        yield Kept(tmp_path, served)


def test_before_a_feed_has_come_its_list_is_there_and_empty(kept: Kept) -> None:
    assert kept.rows == []
    assert kept.feed.is_due(NOW)


def test_what_comes_is_in_force_with_its_lines(kept: Kept) -> None:
    assert kept.update("# c\n" + hosts(2) + "rubbish\n" + hosts(1)) == []
    assert kept.rows == [("evil0.test", "alert", "line 2"), ("evil1.test", "alert", "line 3")]
    record = kept.files.read()
    assert record is not None
    assert (record.entries, record.repeated, record.refused) == (2, 1, 1)
    assert record.samples[0].startswith("line 4: does not begin with 0.0.0.0")
    assert record.changed_at == record.answered_at == NOW
    assert not kept.feed.is_due(NOW + 0.9 * HOURS)
    assert kept.feed.is_due(NOW + HOURS)
    assert kept.feed.is_due(NOW - HOURS)  # a clock that was set back does not put it off for ever


def test_what_did_not_change_is_not_read_again(kept: Kept) -> None:
    kept.update(answer(hosts(3), ETag='"1"'))
    before = kept.files.list.stat()
    kept.update(answer(status="304 Not Modified"), NOW + HOURS)
    kept.update(hosts(3), NOW + 2 * HOURS)
    assert kept.files.list.stat() == before
    assert kept.feed.record.changed_at == NOW
    assert kept.feed.record.answered_at == NOW + 2 * HOURS


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (hosts(4), "4 entries where there were 10"),
        ("", "no entries in it"),
        ("<html>Sign in</html>", "HTML or XML"),
        (hosts(10) + "garbage\n" * 11, "11 of 21 lines refused, is its format hosts? The first: line 11"),
        ("evil.test\n" * 20, "no entries in it; the first refused: line 1: does not begin with"),
        ("\0" * 500, "no text"),
    ],
)
def test_what_looks_wrong_is_held_back_and_the_old_stays(kept: Kept, content: str, why: str) -> None:
    kept.update(hosts(10))
    before = kept.rows
    (told,) = kept.update(content, NOW + HOURS)
    assert told.startswith(f"feed x: held back what came, the 10 old entries stay in force: {why}")
    assert kept.rows == before
    assert kept.feed.record.held is not None
    assert kept.feed.record.held.since == NOW + HOURS
    assert kept.update(content, NOW + 2 * HOURS) == []  # said once
    feed, told_again = kept.again(NOW + 3 * HOURS)
    assert (feed.record.held is not None, told_again) == (True, [])


def test_half_of_the_entries_is_no_reason(kept: Kept) -> None:
    kept.update(hosts(10))
    assert kept.update(hosts(5)) == []
    assert len(kept.rows) == 5


def test_a_source_that_recovers_ends_it(kept: Kept) -> None:
    kept.update(hosts(10))
    kept.update(hosts(1))
    assert kept.update(hosts(10)) == []
    assert kept.feed.record.held is None
    kept.update(hosts(1))
    assert kept.update(hosts(11)) == []
    assert (kept.feed.record.held, len(kept.rows)) == (None, 11)


def test_what_an_operator_accepts_is_in_force(kept: Kept) -> None:
    kept.update(hosts(10))
    kept.update(hosts(2))
    held = kept.feed.record.held
    assert held is not None
    assert kept.accept("0" * 64) == []  # what was seen is not what is there
    assert len(kept.rows) == 10
    assert kept.accept(held.digest) == []
    assert (len(kept.rows), kept.feed.record.held) == (2, None)
    assert kept.update(hosts(2)) == []


def test_as_much_rubbish_as_was_accepted_is_no_objection_any_more(kept: Kept) -> None:
    rubbish = "rubbish\n" * 30
    kept.update(hosts(10) + rubbish)
    assert kept.feed.record.held is not None
    kept.accept(kept.feed.record.held.digest)
    assert kept.update(hosts(11) + rubbish) == []
    assert len(kept.rows) == 11
    assert kept.update(hosts(9) + rubbish * 4) != []


def test_what_has_no_entries_can_not_be_accepted(kept: Kept) -> None:
    kept.update(hosts(10))
    (told,) = kept.update("<html>")
    assert "accept" not in told
    assert kept.feed.record.held is not None
    kept.accept(kept.feed.record.held.digest)
    assert len(kept.rows) == 10


def test_while_a_source_is_away_what_it_said_stays_and_it_is_said_once(kept: Kept) -> None:
    kept.update(hosts(10))
    gone = answer(status="503 Away")
    assert kept.update(gone, NOW + HOURS) == []
    assert (kept.feed.is_away, kept.feed.record.trouble) == (True, "it answers with an error (503)")
    (told,) = kept.update(gone, NOW + 7 * HOURS)
    assert told == (
        "feed x: not fetched since 2026-11-21 08:00 UTC, its 10 entries stay in force:"
        " it answers with an error (503)"
    )
    assert kept.update(gone, NOW + 8 * HOURS) == []
    kept.again(NOW + 9 * HOURS)
    assert len(kept.rows) == 10
    assert kept.update(hosts(10), NOW + 9 * HOURS) == []
    assert (kept.feed.is_away, kept.feed.record.trouble) == (False, "")


def test_a_source_that_never_answered_is_said_at_once(kept: Kept) -> None:
    kept.again(max_seconds=1)
    assert kept.update(silence) == ["feed x: can't be fetched: not done in 1 s"]
    assert kept.update(silence) == []


def test_a_ceiling_counts_as_soon_as_it_is_taken_up(kept: Kept) -> None:
    kept.update(hosts(1))
    kept.again(ceiling="block")
    assert kept.rows == [("evil0.test", "block", "line 1")]
    kept.again(severity="high")
    assert kept.rows == [("evil0.test", "alert", "line 1")]
    assert kept.feed.record.changed_at == NOW


def test_a_format_that_does_not_fit_takes_nothing_from_force(kept: Kept) -> None:
    kept.update(hosts(10))
    _, told = kept.again(format="stix")
    assert [trouble.severity for trouble in told] == [Severity.MEDIUM]
    assert "the 10 old entries stay in force: not JSON" in told[0].summary
    kept.again(format="hosts")
    assert (len(kept.rows), kept.feed.record.held) == (10, None)


def test_what_was_held_back_for_its_format_is_taken_in_the_right_one(kept: Kept) -> None:
    kept.again(format="plain")
    kept.update(answer("a,b\n1,evil.test\n" * 3, ETag='"1"'))
    assert kept.feed.record.held is not None
    kept.again(format="csv", columns={"value": 2})
    assert kept.feed.is_due(NOW)
    kept.update(answer("1,evil.test\n" * 3, ETag='"1"'))
    assert "If-None-Match" not in kept.served.asked[-1]
    assert [value for value, *_ in kept.rows] == ["evil.test"]


def test_a_list_or_a_record_that_is_gone_comes_again(kept: Kept) -> None:
    kept.update(answer(hosts(3), ETag='"1"'))
    kept.files.list.unlink()
    kept.again()
    assert len(kept.rows) == 3
    kept.files.record.write_text("{")
    kept.again()
    kept.update(answer(hosts(3), ETag='"1"'))
    assert "If-None-Match" not in kept.served.asked[-1]
    kept.files.list.unlink()
    kept.files.content.unlink()
    kept.again()
    assert kept.feed.is_due(NOW)


def test_another_source_is_not_asked_what_the_old_one_said(kept: Kept) -> None:
    kept.update(answer(hosts(3), ETag='"1"'))
    kept.served.behaviours["/other"] = answer(hosts(3, first=5))
    kept.again(source=kept.served.url("/other"))
    assert kept.feed.is_due(NOW)
    list(kept.feed.update(NOW))
    assert "If-None-Match" not in kept.served.asked[-1]
    assert kept.rows[0][0] == "evil5.test"


def test_an_edited_file_is_taken_at_once(kept: Kept) -> None:
    path = kept.folder / "mine.txt"
    kept.again(source="mine.txt")
    assert kept.feed.is_due(NOW)
    assert "No such file" in kept.update("")[0]
    path.write_text(hosts(1))
    kept.update("")
    assert not kept.feed.is_due(NOW + 9 * HOURS)
    path.write_text(hosts(2))
    assert kept.feed.is_due(NOW)
    kept.update("")
    assert len(kept.rows) == 2
