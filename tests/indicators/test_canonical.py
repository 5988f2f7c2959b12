"""Laws of canonical forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import IndicatorType, RefusedError, canonical

from tests.indicators.test_table import HOSTILE

LABEL = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True)
HOST = st.tuples(LABEL, LABEL).map(lambda labels: f"{labels[0]}.{labels[1]}.test")
PATH = st.from_regex(r"(/[a-zA-Z0-9_~.-]{1,6}){0,4}/?", fullmatch=True)
QUERY = st.from_regex(r"(\?[a-z]=[a-zA-Z0-9]{0,5})?", fullmatch=True)
FAMILIAR = {
    IndicatorType.HOST: HOST,
    IndicatorType.URL: st.tuples(HOST, PATH, QUERY).map("".join),
    IndicatorType.IP: st.ip_addresses().map(str),
    IndicatorType.IP_PORT: st.ip_addresses(v=4).map(lambda address: f"{address}:81"),
    IndicatorType.CIDR: st.tuples(st.ip_addresses(v=4), st.integers(8, 32)).map(
        lambda net: f"{net[0]}/{net[1]}"
    ),
    IndicatorType.PROGRAM: st.text(min_size=1, max_size=12),
    IndicatorType.PATH: st.tuples(st.sampled_from(["C:\\", "/", "\\\\?\\C:/"]), st.text()).map("".join),
    IndicatorType.HASH: st.from_regex(r"[0-9a-fA-F]{64}", fullmatch=True),
    IndicatorType.PHRASE: st.text(min_size=2, max_size=20),
}


def form(kind: IndicatorType, value: str) -> str | None:
    try:
        return canonical(kind, value)
    except RefusedError:
        return None


@pytest.mark.parametrize("kind", IndicatorType)
@given(data=st.data())
def test_a_canonical_form_is_its_own(kind: IndicatorType, data: st.DataObject) -> None:
    value = form(kind, data.draw(FAMILIAR[kind] | HOSTILE))
    if value is not None:
        assert form(kind, value) == value


@given(HOST)
def test_a_host_is_the_same_however_it_is_written(host: str) -> None:
    plain = canonical(IndicatorType.HOST, host)
    defanged = (
        host.replace(".", dot) for dot in ("[.]", " (DOT) ", "{.}", " dot ", "[\uff0e]", "\u2024", "\ufe52")
    )
    for other in (*defanged, host.upper(), f"{host}.", f" {host}\t"):
        assert canonical(IndicatorType.HOST, other) == plain
    assert canonical(IndicatorType.HOST, "\u200b".join(host)) == plain


@given(HOST, PATH, QUERY)
def test_a_url_is_the_same_however_it_is_written(host: str, path: str, query: str) -> None:
    rest = f"{path or '/'}{query}"
    plain = canonical(IndicatorType.URL, f"http://{host}{rest}")
    for other in (
        f"{host}{rest}",
        f"https://{host}{rest}",
        f"http://{host}:80{rest}",
        f"https://{host}:443{rest}",
        f"HTTP://{host.upper()}{rest}",
        f"http://{host}.{rest}",
        f"http://user:word@{host}{rest}",
        f"hxxps://{host.replace('.', '[.]')}{rest}",
        f"http://{host}//x/..{rest}",
        f"http://{host}{rest}#part",
        "http://" + "".join(f"%{ord(letter):02x}" for letter in host) + rest,
    ):
        assert canonical(IndicatorType.URL, other) == plain


@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_in_every_notation(address: object) -> None:
    plain = canonical(IndicatorType.IP, str(address))
    number = int.from_bytes(bytes(int(part) for part in plain.split(".")), "big")
    assert canonical(IndicatorType.IP, f"::ffff:{plain}") == plain
    assert canonical(IndicatorType.IP, f"[64:ff9b::{plain}]") == plain
    for host in (str(number), hex(number), oct(number).replace("0o", "0"), plain.replace(".", "。")):
        assert canonical(IndicatorType.URL, f"http://{host}/") == f"{plain}/"


@given(HOSTILE)
def test_any_value_has_a_form_or_is_refused(value: str) -> None:
    for kind in IndicatorType:
        form(kind, value)


@given(HOST, st.from_regex(r"(/[a-zA-Z0-9_~-]{1,4}){1,3}", fullmatch=True), st.integers(1, 6), st.data())
def test_a_path_is_the_same_to_any_depth_of_encoding(
    host: str, path: str, depth: int, data: st.DataObject
) -> None:
    written = path
    for _ in range(depth):
        chosen = data.draw(st.sets(st.integers(1, len(written) - 1)))
        written = "".join(
            f"%{ord(letter):02x}" if at in chosen else letter for at, letter in enumerate(written)
        )
    assert canonical(IndicatorType.URL, host + written) == canonical(IndicatorType.URL, host + path)


@given(HOST, st.text(st.characters(exclude_characters="/\\?#\t\r\n", codec="utf-8"), max_size=12))
def test_what_stands_before_the_last_at_is_no_host(host: str, user: str) -> None:
    if user.strip() == user and form(IndicatorType.URL, f"http://{user}@{host}/") is not None:
        assert form(IndicatorType.URL, f"http://{user}@{host}/") == f"{host}/"
