import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import first_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("loot box - https://Lure.test:443/a?b#c - Firefox", "lure.test/a?b"),
        ("loot box on lure.test", "lure.test/"),
        ("hxxp://lure[.]test/a and http://shop.example/", "lure.test/a"),
        ("lu\u200bre.test", "lure.test/"),
        ("anna@shop.example wrote of lure.test", "lure.test/"),
        ("http:the end, http://lure.test/", "lure.test/"),
        ("http://0xc6336407/a", "198.51.100.7/a"),
        ("a loot box", None),
        ("anna@shop.example", None),
    ],
)
def test_the_first_url_of_a_text(text: str, url: str | None) -> None:
    assert first_url(text) == url


@given(st.text())
def test_any_text_may_be_asked_for_its_first_url(text: str) -> None:
    first_url(text)
