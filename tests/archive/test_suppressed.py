"""What operators suppressed, and what was hidden by that: as the archive tells it."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from vedette_archive import (
    Batch,
    Hidden,
    Reader,
    Retention,
    Suppression,
    SuppressionEnded,
    SuppressionRecord,
    Writer,
    check,
)

from tests.archive.history import alert
from tests.messages import NOON, at

ID, OTHER = UUID(int=1), UUID(int=2)


def suppression(name: UUID = ID, **changes: Any) -> Suppression:
    fields: dict[str, Any] = {
        "id": name,
        "author": "operator@anna",
        "reason": "a false alarm",
        "since": NOON,
        "until": at(60),
        "indicator": "host|evil.test",
    }
    return Suppression(**(fields | changes))


def store(writer: Writer, *records: SuppressionRecord) -> None:
    writer.store(Batch(suppressing=records))


def test_what_is_suppressed_is_in_force_until_its_time_is_over(writer: Writer, reader: Reader) -> None:
    store(writer, suppression(OTHER, since=at(1), host="host-7"), suppression())
    assert [each.id for each in reader.suppressed.in_force(at(59))] == [ID, OTHER]
    assert reader.suppressed.in_force(at(60)) == []
    (first, second) = reader.suppressed.newest()
    assert (first.id, second.id) == (OTHER, ID)
    assert (second.author, second.reason, second.until) == ("operator@anna", "a false alarm", at(60))
    assert (first.host, first.detector, first.indicator) == ("host-7", None, "host|evil.test")
    assert reader.suppressed.get(UUID(int=3)) is None


def test_the_first_who_ends_it_is_who_is_named(writer: Writer, reader: Reader) -> None:
    store(writer, suppression(), SuppressionEnded(ID, at(5), "operator@ben"), SuppressionEnded(ID, at(6)))
    found = reader.suppressed.get(ID)
    assert found is not None
    assert (found.ended_by, found.ended_at) == ("operator@ben", at(5))
    assert reader.suppressed.in_force(at(6)) == []


def test_times_move_and_nothing_else_does(writer: Writer, reader: Reader) -> None:
    store(writer, suppression(), Hidden(ID, alert()), suppression(since=at(-10), until=at(50), author="x"))
    found = reader.suppressed.get(ID)
    assert found is not None
    assert (found.since, found.until) == (at(-10), at(50))
    assert (found.author, found.hidden) == ("operator@anna", 1)


def test_an_alert_is_hidden_and_counted_once(writer: Writer, reader: Reader) -> None:
    store(writer, suppression(), Hidden(ID, alert(1)), Hidden(ID, alert(2, at=at(3))), Hidden(ID, alert(1)))
    found = reader.suppressed.get(ID)
    assert found is not None
    assert (found.hidden, found.last_hidden_at) == (2, at(3))
    assert [each.alert.id.int for each in reader.suppressed.hidden(ID)] == [2, 1]
    assert reader.suppressed.hidden(limit=1)[0].alert == alert(2, at=at(3))
    assert reader.suppressed.hidden(OTHER) == []


def test_what_is_hidden_is_no_alert_to_anybody(writer: Writer, reader: Reader) -> None:
    store(writer, suppression(), Hidden(ID, alert()))
    assert reader.newest_alerts() == reader.alerts_after() == []
    assert reader.counts().alerts == 0
    assert reader.newest_cursor().sequence == 0


def test_one_is_found_by_the_beginning_of_its_id(writer: Writer, reader: Reader) -> None:
    store(writer, suppression(UUID(int=0xA << 124)), suppression(), suppression(OTHER))
    assert reader.suppressed.ids("a") == [UUID(int=0xA << 124)]
    assert reader.suppressed.ids("0000") == [ID, OTHER]
    assert reader.suppressed.ids("%") == reader.suppressed.ids("_") == []


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({}, "host evil.test on all hosts"),
        ({"host": "host-7"}, "host evil.test on host-7"),
        ({"detector": "listed-window"}, "host evil.test of listed-window on all hosts"),
        ({"indicator": None, "host": "host-7"}, "all that any detector finds on host-7"),
        ({"indicator": None, "detector": "listed-window"}, "all that listed-window finds on all hosts"),
        ({"indicator": "program|a|b"}, "program a|b on all hosts"),
    ],
)
def test_what_it_covers_is_told_in_words(scope: dict[str, Any], words: str) -> None:
    assert suppression(**scope).covers == words


def test_one_that_covers_everything_can_not_be_stored(writer: Writer) -> None:
    with pytest.raises(Exception, match="scope"):
        store(writer, suppression(indicator=None))


def test_it_is_kept_as_long_as_what_it_hid_and_that_as_long_as_alerts(
    writer: Writer, reader: Reader, path: Path
) -> None:
    late = alert(2, at=NOON + timedelta(days=20))
    month = suppression(until=NOON + timedelta(days=30))
    store(writer, month, Hidden(ID, alert(1)), Hidden(ID, late), suppression(OTHER))

    def removed(days: int) -> int:
        return writer.remove_expired(Retention(), NOON + timedelta(days=days))

    assert removed(364) == 0
    assert removed(367) == 2, "the first alert, and what hid nothing and has long been over"
    found = reader.suppressed.get(ID)
    assert found is not None
    assert (found.hidden, len(reader.suppressed.hidden(ID))) == (2, 1)
    assert check(path) == []
    assert [removed(400), removed(400)] == [2, 0]
    assert reader.suppressed.newest() == []
