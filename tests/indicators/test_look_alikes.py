import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import IndicatorType, RefusedError, canonical
from vedette_indicators.look_alikes import LookAlikes, skeleton

from tests.indicators.test_canonical import HOST

OWN = LookAlikes(["paypal.com", "google.com", "meier-bank.de", "xn--mll-hoa.test"])


@pytest.mark.parametrize(
    ("host", "looks_like"),
    [
        ("раура1.com", "paypal.com"),
        ("p\u0430ypal.com", "paypal.com"),
        ("paypa1.com", "paypal.com"),
        ("www.paypa1.com", "paypal.com"),
        ("g00gle.com", "google.com"),
        ("goog1e.com", "google.com"),
        ("rneier-bank.de", "meier-bank.de"),
        ("ɡoogle.com", "google.com"),
        ("mü11.test", "xn--mll-hoa.test"),
        ("google.com", None),
        ("mail.google.com", None),
        ("g00gle.google.com", None),
        ("paypal.com.evil.test", None),
        ("gogle.com", None),
        ("googlé.com", None),
        ("mull.test", None),
        ("müll.test", None),
        ("xn--99999999.test", None),
    ],
)
def test_what_a_host_is_taken_for(host: str, looks_like: str | None) -> None:
    try:
        name = canonical(IndicatorType.HOST, host)
    except RefusedError:
        name = host
    assert OWN.of(name) == looks_like


def test_without_names_to_protect_nothing_looks_like_them() -> None:
    assert LookAlikes([]).of("g00gle.com") is None
    assert len(OWN) == 4


@given(HOST)
def test_a_host_never_looks_like_itself_or_what_it_is_below(host: str) -> None:
    own = LookAlikes([host])
    assert own.of(host) is None
    assert own.of(f"www.{host}") is None


@given(HOST, st.data())
def test_a_host_with_letters_swapped_for_their_likes_is_found(host: str, data: st.DataObject) -> None:
    likes = {"a": "а", "e": "е", "o": "0", "l": "1", "p": "р", "c": "с", "m": "rn"}
    chosen = data.draw(st.sets(st.sampled_from(sorted(likes)), min_size=1))
    label, _, rest = host.partition(".")
    other = "".join(likes[letter] if letter in chosen else letter for letter in label)
    if other != label:
        try:
            name = canonical(IndicatorType.HOST, f"{other}.{rest}")
        except RefusedError:
            return
        assert LookAlikes([host]).of(name) == host


@given(st.text(max_size=40))
def test_no_text_upsets_it_and_a_skeleton_is_its_own(text: str) -> None:
    LookAlikes([text]).of(text)
    assert skeleton(skeleton(text)) == skeleton(text)
