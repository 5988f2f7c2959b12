import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import BlockTarget, block_target, canonical, named_target
from vedette_indicators.indicator import IndicatorType
from vedette_schemas import Block, BlockedAddress, BlockedHost, BlockedPage, name_of

TARGETS: list[tuple[str, BlockTarget]] = [
    ("evil.test", BlockedHost(name="evil.test", subdomains=True)),
    ("EVIL.test.", BlockedHost(name="evil.test", subdomains=True)),
    ("192.0.2.7", BlockedAddress(network="192.0.2.7")),
    ("192.0.2.7:443", BlockedAddress(network="192.0.2.7", port=443)),
    ("2001:db8::7", BlockedAddress(network="2001:db8::7")),
    ("[2001:db8::7]:443", BlockedAddress(network="2001:db8::7", port=443)),
    ("evil.test/x", BlockedPage(host="evil.test", path="/x")),
    ("https://EVIL.test:8443/x?y=1#z", BlockedPage(host="evil.test", path="/x?y=1")),
    ("evil.test/", BlockedPage(host="evil.test", path="/")),
    ("192.0.2.7/x", BlockedPage(host="192.0.2.7", path="/x")),
    ("http://[2001:db8::7]/x", BlockedPage(host="2001:db8::7", path="/x")),
]


@pytest.mark.parametrize(("text", "target"), TARGETS)
def test_what_is_named_is_what_is_blocked(text: str, target: BlockTarget) -> None:
    assert block_target(text) == target
    assert named_target(text) == target


def test_an_operator_may_name_a_network_and_a_copied_text_may_not() -> None:
    assert named_target("10.0.0.0/8") == BlockedAddress(network="10.0.0.0/8")
    assert block_target("10.0.0.0/8") == BlockedPage(host="10.0.0.0", path="/8")


@pytest.mark.parametrize("text", ["", " ", "a b", "://", "x" * 300, f"evil.test/{'x' * 3000}"])
def test_what_names_nothing_is_not_blocked(text: str) -> None:
    assert block_target(text) is None
    assert named_target(text) is None


@given(st.text(max_size=80) | st.from_regex(r"\A(http://)?[a-z0-9.:\[\]%é-]{0,20}(/[^\n]{0,20})?\Z"))
def test_no_text_upsets_it_and_what_it_names_reads_back(text: str) -> None:
    found = named_target(text)
    block_target(text)
    if found is not None:
        read = block_target if isinstance(found, BlockedPage) else named_target
        assert read(name_of(Block(target=found, ttl_seconds=1))) == found


@given(st.sampled_from(["http://evil.test/é ü", "evil.test/%2e%2e/a b", "evil.test/ä?ö=ß", "evil.test/a//b"]))
def test_a_listed_url_can_be_blocked(value: str) -> None:
    assert isinstance(block_target(canonical(IndicatorType.URL, value)), BlockedPage)
