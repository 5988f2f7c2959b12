"""From what a source saw to an observation."""

from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import MAX_CLIPBOARD, MAX_LINE, MAX_TITLE, Handover, WindowFocused, decode, encode
from vedette_sensor.observing import ClipboardObserver, Copy, Front, WindowObserver

from tests.messages import NOON, process

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=3_000)


def as_it_is(text: str) -> str:
    return text


@given(ANY_TEXT)
def test_any_title_can_be_handed_over(title: str) -> None:
    seen = WindowObserver(as_it_is).observe(Front(title, process(), "server"), NOON)
    assert seen is not None
    handover = Handover(sequence=1, observation=seen)
    assert decode(Handover, encode(handover)) == handover
    assert len(seen.title) == min(len(title), MAX_TITLE)


@given(ANY_TEXT.filter(bool), st.integers(1, 20))
def test_any_text_can_be_handed_over_in_one_line(text: str, times: int) -> None:
    seen = ClipboardObserver(as_it_is).observe(Copy(text * times, 7), NOON)
    assert seen is not None
    line = encode(Handover(sequence=2**63 - 1, observation=seen))
    assert len(line) <= MAX_LINE
    assert b"\n" not in line
    assert len(seen.text) == min(len(text) * times, MAX_CLIPBOARD)


def test_only_another_title_or_another_process_is_news() -> None:
    observer = WindowObserver(as_it_is)
    fronts = [
        Front("a", process(), "server"),
        Front("a", process(), "server"),
        Front("b", process(), "server"),
        Front("b", process(pid=7), "server"),
        Front("a", None, "client"),
    ]
    seen = [observer.observe(front, NOON) for front in fronts]
    assert [one and (one.title, one.process and one.process.pid, one.pid_from) for one in seen] == [
        ("a", 4242, "server"),
        None,
        ("b", 4242, "server"),
        ("b", 7, "server"),
        ("a", None, None),
    ]


def test_text_is_redacted_before_it_is_cut() -> None:
    def redact(text: str) -> str:
        return text.replace("SECRET", "[...]")

    title = "x" * (MAX_TITLE - 3) + "SECRET"
    window = WindowObserver(redact).observe(Front(title, None, None), NOON)
    assert isinstance(window, WindowFocused)
    assert "SEC" not in window.title
    copied = ClipboardObserver(redact).observe(Copy("x" * (MAX_CLIPBOARD - 3) + "SECRET", 9), NOON)
    assert copied is not None
    assert "SEC" not in copied.text


def test_no_text_is_no_copy() -> None:
    assert ClipboardObserver(as_it_is).observe(Copy("", 0), NOON) is None
