"""MISP and STIX: what is read of a document, what is refused by its id, what is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import RefusedError
from vedette_indicators.formats import Format, FormatError
from vedette_indicators.formats import documents as documents_module
from vedette_indicators.formats.stix import comparisons

from tests.indicators.formats.reading import reading

SHA = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"


def attribute(kind: str, value: str, **others: Any) -> dict[str, Any]:
    return {"uuid": f"u-{kind}", "type": kind, "value": value, "to_ids": True, **others}


ATTRIBUTES = [
    attribute("domain", "evil.test", comment="c2"),
    attribute("ip-dst", "9.9.9.9"),
    attribute("ip-dst|port", "9.9.9.9|81"),
    attribute("domain|ip", "evil.test|9.9.9.9"),
    attribute("filename|sha256", f"a.exe|{SHA}"),
    attribute("url", "http://other.test/", to_ids=False),
    attribute("md5", "0" * 31 + "1", deleted=True),
    attribute("comment", "evil"),
    attribute("filename|sha256", SHA, uuid="u-half"),
]
VALUES = [
    "host evil.test",
    "ip 9.9.9.9",
    "ip:port 9.9.9.9:81",
    "host evil.test",
    "ip 9.9.9.9",
    f"hash {SHA}",
]


@pytest.mark.parametrize(
    "document",
    [
        {"Event": {"info": "Campaign", "Attribute": ATTRIBUTES}},
        {"Event": {"info": "Campaign", "Attribute": [], "Object": [{"name": "x", "Attribute": ATTRIBUTES}]}},
        {"response": [{"Event": {"info": "Campaign", "Attribute": ATTRIBUTES}}]},
        [{"Event": {"info": "Campaign", "Attribute": ATTRIBUTES}}],
        {"response": {"Attribute": ATTRIBUTES}},
    ],
)
def test_a_misp_document_is_read_as_export_feed_and_api_have_it(document: Any) -> None:
    found = reading(Format.MISP, document)
    assert found.values == VALUES
    assert found.entries[0].place == "u-domain"
    assert found.entries[0].note in {"Campaign c2", "c2"}
    assert found.reasons == {
        "u-comment": "of a type that is not looked for: 'comment'",
        "u-half": "not a value of type filename|sha256",
    }


def indicator(number: int, pattern: str, **others: Any) -> dict[str, Any]:
    return {"type": "indicator", "id": f"indicator--{number}", "name": "c2", "pattern": pattern, **others}


def test_a_stix_bundle() -> None:
    objects = [
        {"type": "malware", "id": "malware--1"},
        indicator(1, "[url:value = 'http://evil.test/a']", valid_until="2027-12-31T00:00:00Z"),
        indicator(2, "[domain-name:value='a.test' OR domain-name:value = 'b.test']", pattern_type="stix"),
        indicator(3, "([ipv4-addr:value = '9.9.9.9'] OR [ipv4-addr:value = '9.9.9.0/24'])"),
        indicator(4, f"[file:hashes.'SHA-256' = '{SHA}' OR file:hashes.MD5 = '{'0' * 31}1']"),
        indicator(5, "[domain-name:value = 'gone.test']", revoked=True),
        indicator(6, "[domain-name:value = 'a.test' AND url:value = 'http://a.test/']"),
        indicator(7, "[domain-name:value = 'a.test' OR email-addr:value = 'x@y.test']"),
        indicator(8, "alert tcp any any", pattern_type="snort"),
        indicator(9, "[domain-name:value LIKE '%.test']"),
        indicator(10, "[domain-name:value = 'co.uk']"),
    ]
    found = reading(Format.STIX, {"type": "bundle", "id": "bundle--1", "objects": objects})
    assert found.values == [
        "url evil.test/a",
        "host a.test",
        "host b.test",
        "ip 9.9.9.9",
        "cidr 9.9.9.0/24",
        f"hash {SHA}",
        f"hash {'0' * 31}1",
    ]
    assert str(found.entries[0].expires) == "2027-12-31"
    assert [each.place for each in found.refused] == [f"indicator--{n}" for n in (6, 7, 8, 9, 10)]
    assert found.reasons["indicator--7"] == "compares what is not looked for: email-addr:value"


REFUSED_PATTERNS = [
    "",
    "[",
    "[]",
    "[url:value = 'x'",
    "[url:value = 'x')",
    "[url:value != 'x']",
    "[url:value IN ('x','y')]",
    "[url:value = 'x' url:value = 'y']",
    "[url:value = 'x'] FOLLOWEDBY [url:value = 'y']",
    "[url:value = 'x'] WITHIN 5 SECONDS",
    "[NOT url:value = 'x']",
    "[url:value = 5]",
    "[url:value = 'x\\n']",
    "(" * 70_000,
]


@pytest.mark.parametrize("pattern", REFUSED_PATTERNS)
def test_a_pattern_beyond_equality_and_or_is_refused(pattern: str) -> None:
    with pytest.raises(RefusedError):
        comparisons(pattern)


@given(st.text(max_size=40))
def test_a_value_in_a_pattern_is_what_was_written(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    assert comparisons(f"[url:value = '{quoted}']") == [("url:value", value)]


@pytest.mark.parametrize("form", [Format.MISP, Format.STIX])
@pytest.mark.parametrize(
    "content",
    [
        "",
        "evil.test\n",
        "[" * 100_000,
        "{}",
        "[]",
        '"x"',
        "1" * 5_000,
        b"\xff",
        '{"objects": 3, "response": 3}',
    ],
)
def test_what_is_no_such_document_is_refused_as_a_whole(form: Format, content: str | bytes) -> None:
    if form is Format.STIX and content == "[]":
        assert reading(form, content).entries == []
        return
    with pytest.raises(FormatError):
        reading(form, content)


def test_a_document_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "MAX_DOCUMENT", 1_000)
    with pytest.raises(FormatError, match="larger than"):
        reading(Format.STIX, {"objects": ["x" * 2_000]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "Event Attribute Object response objects type value pattern id uuid info".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_json_comes_is_read_or_refused(document: Any) -> None:
    for form in (Format.MISP, Format.STIX):
        try:
            reading(form, [document])
            reading(form, {"response": document, "objects": document})
        except FormatError:
            pass
