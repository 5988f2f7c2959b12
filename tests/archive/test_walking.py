"""Reading all observations once, host by host."""

import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import ArchiveError, Batch, Retention, Writer
from vedette_archive.walking import PAGE, Walk
from vedette_schemas import Kind, Stream

from tests import messages
from tests.archive.history import CLIPBOARD, WINDOWS, alert, judged, observed, unread
from tests.messages import SPOOL, at

OTHER = Stream("sensor@host-8", SPOOL, "window")
BOTH = (Kind.WINDOW, Kind.CLIPBOARD)


def walked(walk: Walk) -> list[tuple[str, str, int]]:
    return [(page.host, page.stream.kind, row.number) for page in walk.pages() for row in page.rows]


def test_all_of_the_kinds_come_once_host_by_host_over_pages(writer: Writer, path: Path) -> None:
    writer.store(observed(1, PAGE + 7, OTHER))
    writer.store(observed(1, 2 * PAGE, WINDOWS))
    writer.store(observed(1, 3, CLIPBOARD))
    with Walk(path, BOTH) as walk:
        found = walked(walk)
        assert walk.total == len(found) == len(set(found)) == 3 * PAGE + 10
        assert [host for host, _, _ in found] == ["host-7"] * (2 * PAGE + 3) + ["host-8"] * (PAGE + 7)
    with Walk(path, (Kind.CLIPBOARD,)) as walk:
        assert walked(walk) == [("host-7", "clipboard", number) for number in (1, 2, 3)]
    with Walk(path, BOTH, host="host-8") as walk:
        assert {host for host, _, _ in walked(walk)} == {"host-8"}
        assert walk.total == PAGE + 7


def test_what_comes_while_it_is_read_is_left_to_others_and_what_goes_is_no_error(
    writer: Writer, path: Path
) -> None:
    writer.store(observed(1, 2 * PAGE))
    with Walk(path, BOTH) as walk:
        pages = walk.pages()
        assert len(next(pages).rows) == PAGE
        writer.store(observed(2 * PAGE + 1, 5))
        writer.store(observed(1, 5, OTHER))
        assert [len(page.rows) for page in pages] == [PAGE]
    with Walk(path, BOTH) as walk:
        pages = walk.pages()
        next(pages)
        while writer.remove_expired(Retention(window=1), at(10 * 86_400)):
            pass
        assert list(pages) == []


def test_holes_and_unreadable_items_are_passed_over(writer: Writer, path: Path) -> None:
    writer.store(observed(5, 2))
    writer.store(unread(WINDOWS, number=9))
    writer.store(observed(11, 1))
    with Walk(path, BOTH) as walk:
        assert [number for _, _, number in walked(walk)] == [5, 6, 11]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 12))
def test_since_leaves_out_what_came_before_in_whatever_order_it_came(random: Random, since: int) -> None:

    with tempfile.TemporaryDirectory() as folder, Writer(Path(folder) / "archive.db") as writer:
        times = {number: random.randrange(12) for number in range(1, 30)}
        for number in random.sample(list(times), len(times)):
            writer.store(observed(number, 1, WINDOWS, times[number]))
        with Walk(Path(folder) / "archive.db", BOTH, at(since)) as walk:
            expected = [number for number, second in times.items() if second >= since]
            assert [number for _, _, number in walked(walk)] == expected
            assert walk.total == len(expected)


def test_a_row_is_read_as_an_observation_or_not_at_all(writer: Writer, path: Path) -> None:
    seen = messages.window(3)

    writer.store(observed(1, 1))
    with Walk(path, BOTH) as walk:
        (page,) = walk.pages()
        (row,) = page.rows
        assert row.observation() is None
        assert row._replace(body=seen.model_dump_json()).observation() == seen


def test_findings_and_alerts_are_known(writer: Writer, path: Path) -> None:
    writer.store(observed(1, 2))
    writer.store(Batch(findings=(judged(1, "a key"),), alerts=(alert(3),)))
    with Walk(path, BOTH) as walk:
        (page,) = walk.pages()
        known = [(n, key) for n in (1, 2) for key in ("a key", "other") if walk.has_finding(page, n, key)]
        assert known == [(judged(1).place.number, "a key")]
        assert walk.alert(alert(3).id) == alert(3)
        assert walk.alert(alert(4).id) is None


def test_an_archive_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no archive has been made yet"):
        Walk(tmp_path / "archive.db", BOTH)
