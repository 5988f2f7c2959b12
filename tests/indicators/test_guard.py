import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import ListProblem
from vedette_indicators.guard import Guard, read_guard

NAMES = """
# what everybody uses
google.com
.live.com     # with a dot before it, as some write it
github.io
blogspot.com
amazonaws.com
müll.test
8.8.8.8
10.0.0.0/8
2001:db8::/32
"""


def guard(text: str = NAMES) -> Guard:
    entries, bad = read_guard(text, name="common.txt")
    assert bad == ()
    return Guard(entries)


@pytest.mark.parametrize(
    ("target", "is_guarded"),
    [
        ("google.com", True),
        ("GOOGLE.com.", True),
        ("drive.google.com", True),
        ("google.com.example", False),
        ("notgoogle.com", False),
        ("login.live.com", True),
        ("github.io", True),
        ("tenant.github.io", False),
        ("www.tenant.github.io", False),
        ("blogspot.com", True),
        ("tenant.blogspot.com", False),
        ("amazonaws.com", True),
        ("www.amazonaws.com", True),
        ("s3.amazonaws.com", False),
        ("bucket.s3.amazonaws.com", False),
        ("xn--mll-hoa.test", True),
        ("8.8.8.8", True),
        ("::ffff:8.8.8.8", True),
        ("8.8.4.4", False),
        ("10.1.2.3", True),
        ("10.1.2.0/24", True),
        ("10.0.0.0/7", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
        ("a b", False),
        ("com", False),
    ],
)
def test_names_are_guarded_with_what_is_below_them_but_for_tenants(target: str, is_guarded: bool) -> None:
    assert (guard().guarded(target) is not None) == is_guarded


def test_the_reason_names_the_list() -> None:
    assert guard().guarded("google.com") == "google.com is too common to block (common.txt)"
    reason = guard().guarded("a.google.com")
    assert reason == "a.google.com is below google.com, which is too common to block (common.txt)"


def test_misp_warninglists_alone_in_a_list_and_by_name() -> None:
    one = {
        "name": "Top sites",
        "type": "hostname",
        "list": ["google.com", "not a name", "d41d8cd98f00b204e9800998ecf8427e"],
    }
    for document in (one, [one], {"top": one}):
        entries, bad = read_guard(json.dumps(document), name="misp.json")
        assert Guard(entries).guarded("google.com") == "google.com is too common to block (Top sites)"
        assert len(bad) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "no MISP warninglist"),
        ('{"list": 3}', "no MISP warninglist"),
        ('{"list": ["a.test"], "type": "regex", "name": "R"}', "R: a warninglist of type regex"),
    ],
)
def test_other_json_is_refused(text: str, words: str) -> None:
    with pytest.raises(ListProblem, match=words):
        read_guard(text, name="misp.json")


@given(st.text() | st.sampled_from(["[::", "1.2.3.4/x", "xn--", "\ud800"]))
def test_no_text_upsets_it(text: str) -> None:
    guard().guarded(text)
    read_guard(f"a\n{text}", name="x")
