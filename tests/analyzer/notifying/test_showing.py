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


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        (r"C:\Users\Anna Smith\game.exe ran", r"C:\Users\…\game.exe ran"),
        (r"C:\Users\Anna is listed", r"C:\Users\… is listed"),
        ("/run/user/1000/x", "/run/user/…/x"),
        ("/media/anna/STICK/x and /run/media/anna/y", "/media/…/STICK/x and /run/media/…/y"),
        ("file:///home/anna/x", "file:///home/…/x"),
        ("/home/anna", "/home/…"),
    ],
)
def test_whoever_may_not_see_users_reads_no_name_of_one_in_a_path(text: str, covered: str) -> None:
    assert shown(alert(summary=text), (Sight.SUMMARY,)).summary == covered


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
        ("ftp://intranet/x FILE://server/x", "ftp[:]//intranet/x FILE[:]//server/x"),
        ("javascript:alert(1) mailto:a@b", "javascript[:]alert(1) mailto[:]a@b"),
        (r"\\server\share 'C:\\Users\\x'", r"[\\]server\share 'C:\\Users\\x'"),
        ("evil\u3002example evil\uff0eexample", "evil[.]example evil[.]example"),
        ("\u202egnp.exe\x00", "\ufffdgnp[.]exe\ufffd"),
    ],
)
def test_nothing_can_be_clicked_on(text: str, harmless: str) -> None:
    assert defanged(text) == harmless
