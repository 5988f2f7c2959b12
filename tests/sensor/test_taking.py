"""What becomes of what sessions say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import Handover, Hello, MessageError, Process, WindowFocused, encode
from vedette_sensor.taking import MOST_SESSIONS, MOST_USERS, Answer, Sessions

from tests.messages import clipboard, process, window

SHA256 = "ab" * 32


def nonce(number: int) -> str:
    return f"{number:016x}"


def hello(number: int = 1, **sources: str) -> bytes:
    return encode(Hello(nonce=nonce(number), sources=sources))


def handover(sequence: int, observation: WindowFocused | None = None) -> bytes:
    return encode(Handover(sequence=sequence, observation=observation or clipboard()))


def sessions(known: Process | None = None) -> Sessions:
    return Sessions(lambda process, uid: SHA256 if (process, uid) == (known, 1000) else None)


def answer(sessions: Sessions, client: object, line: bytes) -> Answer:
    found = sessions.read(client, line)
    assert found is not None
    return found


def test_an_observation_gets_the_uid_of_who_handed_it_over_and_the_hash_that_we_know() -> None:
    taking = sessions(known=process())
    taking.joined("a", 1000)
    taking.read("a", hello())
    forged = window(uid=0, sha256="cd" * 32)
    assert answer(taking, "a", handover(1, forged)).observation == window(uid=1000, sha256=SHA256)
    unknown = window(uid=0, sha256="cd" * 32, process=process(pid=1))
    assert answer(taking, "a", handover(2, unknown)).observation == window(uid=1000, process=process(pid=1))


def test_a_user_can_not_use_up_the_sequences_of_another() -> None:
    taking = sessions()
    for client, uid in (("mallory", 666), ("alice", 1000)):
        taking.joined(client, uid)
        taking.read(client, hello())
    answer(taking, "mallory", handover(2**62))
    assert answer(taking, "alice", handover(1)).observation is not None


def test_a_sensor_that_is_started_again_knows_what_was_taken() -> None:
    before = sessions()
    notes: dict[str, bytes] = {"other": b"", "taken/x": b"{}", "taken/1001": b"garbage"}
    for number, sequence in ((1, 5), (2, 7)):
        before.joined("a", 1000)
        before.read("a", hello(number))
        found = answer(before, "a", handover(sequence))
        notes[found.note.name] = found.note.value
    after = Sessions(lambda process, uid: None, notes)
    for client, uid, is_news in (("a", 1000, False), ("b", 1001, True)):
        after.joined(client, uid)
        after.read(client, hello(2))
        assert (answer(after, client, handover(7)).observation is not None) == is_news
    assert answer(after, "a", handover(8)).observation is not None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20)), max_size=60))
def test_each_sequence_of_a_session_is_news_at_most_once(handed: list[tuple[int, int]]) -> None:
    taking = sessions()
    news: list[tuple[int, int]] = []
    for number, sequence in handed:
        taking.joined("client", 1000)
        taking.read("client", hello(number))
        found = answer(taking, "client", handover(sequence))
        assert found.taken.sequence == sequence
        if found.observation is not None:
            news.append((number, sequence))
        taking.left("client")
    assert len(news) == len(set(news))
    for number in range(4):
        own = [sequence for one, sequence in news if one == number]
        assert own == sorted(own)


def test_what_is_remembered_of_sessions_is_bounded() -> None:
    taking = sessions()
    for uid in range(MOST_USERS + 10):
        taking.joined(uid, uid)
        for number in range(MOST_SESSIONS + 10 if uid == 7 else 1):
            taking.read(uid, hello(number))
            answer(taking, uid, handover(5))
        taking.left(uid)
    taking.joined("new", 300)
    taking.read("new", hello(0))
    assert answer(taking, "new", handover(5)).observation is not None
    highest = taking._taken._highest  # pyright: ignore[reportPrivateUsage]
    assert len(highest) == MOST_USERS
    assert all(len(of_user) <= MOST_SESSIONS for of_user in highest.values())


def test_many_short_sessions_do_not_crowd_out_one_that_is_connected() -> None:
    taking = sessions()
    taking.joined("long", 1000)
    taking.read("long", hello(0))
    for sequence in range(1, 4):
        answer(taking, "long", handover(sequence))
    for number in range(1, 2 * MOST_SESSIONS):
        taking.joined("short", 1000)
        taking.read("short", hello(number))
        answer(taking, "short", handover(1))
        taking.left("short")
    assert answer(taking, "long", handover(3)).observation is None
    assert answer(taking, "long", handover(4)).observation is not None
    assert "lost" not in taking.facts


def test_nothing_is_taken_of_a_session_that_was_cut_off() -> None:
    taking = sessions()
    taking.joined("a", 1000)
    taking.read("a", hello())
    taking.left("a")
    assert taking.read("a", handover(1)) is None
    assert taking.read("a", b"garbage") is None


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_leaves_no_trace_in_the_message(garbage: bytes) -> None:
    taking = sessions()
    taking.joined("a", 1000)
    with pytest.raises(MessageError) as refused:
        taking.read("a", b"\x00" + garbage)
    assert str(refused.value).isascii()


def test_facts_tell_each_answer_of_sessions_once_in_words_that_can_be_shown() -> None:
    taking = sessions()
    assert taking.facts == {
        "sessions": "0",
        "window": "off: no session is connected",
        "clipboard": "off: no session is connected",
    }
    for client, words in (("a", "on: x11"), ("b", "on: x11"), ("c", "off:\x1b[2J\nwhy"), ("d", "x" * 300)):
        taking.joined(client, 1000)
        taking.read(client, hello(window=words, rogue="a fact of mine"))
    assert taking.facts["sessions"] == "4"
    assert taking.facts["window"] == ("on: x11; off:?[2J?why; " + "x" * 300)[:300]
    assert "rogue" not in taking.facts


def test_what_a_session_could_not_keep_is_told() -> None:
    taking = sessions()
    taking.joined("client", 1000)
    taking.read("client", hello())
    for sequence in (1, 2, 8, 9):
        assert answer(taking, "client", handover(sequence)).observation is not None
    assert taking.facts["lost"].startswith("5 observations")
