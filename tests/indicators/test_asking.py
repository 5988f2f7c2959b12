"""What somebody looks for, as rows that a list could have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_indicators import IndicatorType, RefusedError, canonical
from vedette_indicators.asking import asked_for


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("evil.test", ["host evil.test", "program evil.test"]),
        (" EVIL[.]test ", ["host evil.test", "program EVIL[.]test"]),
        ("setup.exe", ["host setup.exe", "program setup.exe"]),
        ("hxxps://evil.test/a/../b", ["url evil.test/b"]),
        ("evil.test/a", ["url evil.test/a"]),
        ("evil.test:8080", ["url evil.test:8080/"]),
        ("//evil.test/a", ["url evil.test/a"]),
        ("192.0.2.7", ["ip 192.0.2.7"]),
        ("192[.]0[.]2[.]7", ["ip 192.0.2.7"]),
        ("192.0.2.7:443", ["ip:port 192.0.2.7:443"]),
        ("[2001:db8::1]:443", ["ip:port [2001:db8::1]:443"]),
        ("192.0.2.0/24", ["cidr 192.0.2.0/24"]),
        ("2001:db8::/32", ["cidr 2001:db8::/32"]),
        ("/opt/xmr/xmrig", ["path /opt/xmr/xmrig"]),
        (r"C:\Tools\Evil.EXE", [r"path c:\tools\evil.exe"]),
        ("AB" * 32, [f"hash {'ab' * 32}"]),
        ("xmrig", ["program xmrig", "phrase xmrig"]),
        ("Free  Robux", ["phrase free robux"]),
    ],
)
def test_a_text_is_all_that_it_may_be(text: str, found: list[str]) -> None:
    assert [f"{row.type} {row.value}" for row in asked_for(text)] == found


@pytest.mark.parametrize("text", ["", " ", "0.0.0.0/0", "x" * 5_000, "???", "http://"])
def test_what_no_list_can_hold_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        asked_for(text)


def test_what_it_is_can_be_said() -> None:
    assert [row.type for row in asked_for("evil.test", IndicatorType.PHRASE)] == [IndicatorType.PHRASE]
    with pytest.raises(RefusedError, match="single label"):
        asked_for("evil", IndicatorType.HOST)


@settings(max_examples=500)
@given(st.text(max_size=40), st.none() | st.sampled_from(IndicatorType))
def test_any_text_is_refused_or_has_rows_in_canonical_form(text: str, kind: IndicatorType | None) -> None:
    try:
        rows = asked_for(text, kind)
    except RefusedError:
        return
    assert rows
    assert all(row.value == canonical(row.type, text.strip()) for row in rows)
    assert kind is None or {row.type for row in rows} == {kind}
