"""Handing over: nothing that was not taken is forgotten, within bounds."""

import socket
import threading

from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import Handover, Hello, decode
from vedette_sensor.handing import Kept, SensorLink

from tests.messages import clipboard


def sequences(lines: bytes) -> list[int]:
    return [decode(Handover, line).sequence for line in lines.splitlines()]


def test_what_was_not_taken_is_there_to_be_sent_again_in_order() -> None:
    kept = Kept()
    for number in range(5):
        kept.add(clipboard(f"text {number}"))
    assert sequences(kept.after(0)[1]) == [1, 2, 3, 4, 5]
    kept.taken(2)
    assert sequences(kept.after(0)[1]) == [3, 4, 5]
    last, lines = kept.after(4)
    assert (last, sequences(lines)) == (5, [5])
    assert kept.after(5) == (5, b"")


@given(st.lists(st.one_of(st.integers(0, 300), st.none()), max_size=80))
def test_what_is_kept_is_bounded_and_the_latest_always_among_it(steps: list[int | None]) -> None:
    kept = Kept(most=10, most_bytes=2_000)
    added, taken = 0, 0
    for step in steps:
        if step is None:
            taken = added
            kept.taken(taken)
            continue
        kept.add(clipboard("x" * step))
        added += 1
        lines = kept.after(0)[1]
        assert len(lines) <= 2_000
        assert sequences(lines) == list(range(max(taken, added - len(sequences(lines))) + 1, added + 1))
        assert sequences(lines)[-1:] == [added]
        assert len(sequences(lines)) <= 10
    assert kept.dropped <= added


def test_what_was_dropped_is_counted() -> None:
    kept = Kept(most=2)
    for _ in range(5):
        kept.add(clipboard())
    kept.taken(1)
    assert kept.dropped == 3


def test_words_that_are_not_utf_8_are_told_all_the_same() -> None:
    link = SensorLink()
    link.tell("window", "off: no display at '\udcff'")
    ours, theirs = socket.socketpair()
    talking = threading.Thread(target=link.hand_over, args=(ours,))
    with ours, theirs:
        theirs.settimeout(5)
        talking.start()
        try:
            assert decode(Hello, theirs.recv(10_000).strip()).sources == {"window": "off: no display at '?'"}
        finally:
            theirs.shutdown(socket.SHUT_RDWR)
            talking.join()
