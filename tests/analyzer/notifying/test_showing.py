"""What a route may see, and hostile text made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_analyzer.notifying.showing import BY_DEFAULT, Shown, Sight, defanged, limited, plain, shown

from tests.analyzer.notifying.telling import alert, match, origin

PRIVATE = ("what-was-copied", "what anna reads", "1000")


ALERT = alert(match=match(), origin=origin(), summary="listed: /home/anna/x")


def seen(may_see: tuple[Sight, ...]) -> Shown:
    return shown(ALERT, may_see)


def test_by_default_nothing_of_what_people_read_or_copy_is_shown_nor_who_they_are() -> None:
    text = seen(BY_DEFAULT).model_dump_json(exclude={"id"})
    assert not [private for private in (*PRIVATE, "anna") if private in text]
    assert "http://evil.example/x" in text


@pytest.mark.parametrize("sight", list(Sight))
def test_a_route_sees_what_it_may_and_nothing_else(sight: Sight) -> None:
    found = seen((sight,)).model_dump(exclude_none=True)
    assert found.keys() - {"id", "at", "state", "severity"} <= {sight.value}


def test_who_may_see_users_sees_their_folders() -> None:
    assert seen((Sight.SUMMARY,)).summary == "listed: /home/…/x"
    assert seen((Sight.SUMMARY, Sight.USER)).summary == "listed: /home/anna/x"
    windows = shown(alert(summary=r"C:\Users\Anna\game.exe"), (Sight.SUMMARY,))
    assert windows.summary == r"C:\Users\…\game.exe"


@given(st.lists(st.sampled_from(list(Sight))), st.lists(st.sampled_from(list(Sight))))
def test_less_may_be_seen_later_and_never_more(first: list[Sight], later: list[Sight]) -> None:
    both = [sight for sight in first if sight in later]
    assert limited(seen(tuple(first)), later) == seen(tuple(both))


@given(st.text())
def test_a_hostile_text_is_one_line_of_what_can_be_printed(text: str) -> None:
    found = plain(text, 100)
    assert len(found) <= 100
    assert not [c for c in found if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029"]
    found.encode()


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("http://evil.example/a.b", "hxxp://evil[.]example/a.b"),
        ("HTTPS://Evil.Example", "hxxpS://Evil[.]Example"),
        ("evil.example and www.evil.example.", "evil[.]example and www[.]evil[.]example."),
        ("bücher.рф, x.xn--p1ai", "bücher[.]рф, x[.]xn--p1ai"),
        ("192.0.2.7:80", "192[.]0[.]2[.]7:80"),
        ("ended game (pid 4242)", "ended game (pid 4242)"),
        ("a\r\nBcc: all@school.example", "a\ufffd\ufffdBcc: all@school[.]example"),
        ("\u202egnp.exe\x00", "\ufffdgnp[.]exe\ufffd"),
    ],
)
def test_nothing_can_be_clicked_on(text: str, harmless: str) -> None:
    assert defanged(text) == harmless
