"""What `explain` says is looked up for a URL is what hits it, and all of that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import explain_url

from tests.indicators.cases import TODAY, table_of
from tests.indicators.test_canonical import HOST, PATH, QUERY
from tests.indicators.test_table import HOSTILE

URL = st.tuples(
    st.sampled_from(["", "http://", "https://", "http://u:p@", "hxxp://"]),
    HOST
    | st.sampled_from(
        ["198.51.100.7", "[2001:db8::7]", "tenant.github.io", "a.ec2-1.compute-1.amazonaws.com"]
    ),
    st.sampled_from(["", ":80", ":8080"]),
    PATH,
    QUERY,
).map("".join)


@given(URL)
def test_what_is_looked_up_hits(url: str) -> None:
    explained = explain_url(url)
    assert explained is not None
    seen = url.replace("hxxp", "http")
    for kind, values in (("host", explained.hosts), ("url", explained.pages)):
        for value in values:
            assert table_of((kind, value)).url(seen, on=TODAY), value
    for kind, value in zip(("ip", "ip:port"), explained.addresses, strict=False):
        assert table_of((kind, value)).url(seen, on=TODAY), value


@given(URL | HOSTILE)
def test_a_canonical_form_is_explained_as_itself(url: str) -> None:
    explained = explain_url(url)
    if explained is not None and explained.canonical.isascii():
        again = explain_url(f"http://{explained.canonical}")
        assert again is None or again.canonical == explained.canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("hxxp://lure[.]test/a", "lure.test/a"),
        ("hxxps[:]//lure(dot)test", "lure.test/"),
        ("lure dot test/a", "lure.test/a"),
        ("http://shop.example/a[.]b", "shop.example/a[.]b"),
        ("198[.]51[.]100[.]7", "198.51.100.7/"),
    ],
)
def test_what_is_defanged_is_explained_as_what_it_stands_for(written: str, canonical: str) -> None:
    explained = explain_url(written)
    assert explained is not None
    assert explained.canonical == canonical
