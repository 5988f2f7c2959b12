"""A file's format is seen at its beginning, where it can be."""

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import COLUMNS
from vedette_indicators.formats import Format, FormatError, detect, read_feed

OURS = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"{OURS}\nhost,lure.test,,,,,,\n", None),
        (f"\ufeff# ours\n\n{OURS.upper()}\n", None),
        ('"type","value"\n', None),  # its own reader says what is missing
        ("", None),
        ("\n\n", None),
        ("# nothing yet\n", Format.PLAIN),
        ("lure.test\n8.8.8.8\n", Format.PLAIN),
        ("# a list\nhxxp://lure[.]test/a,b\n", Format.PLAIN),
        ("8.8.8.0/24 ; SBL1\n", Format.PLAIN),
        ("# hosts\n127.0.0.1 localhost\n0.0.0.0 lure.test\n", Format.HOSTS),
        ("::1 localhost\n0.0.0.0\tlure.test other.test # why\n", Format.HOSTS),
        ("! Title: it\n||lure.test^\n", Format.FILTER),
        ("[Adblock Plus 2.0]\n! it\nlure.test\n||lure.test^$all\n", Format.FILTER),
        ("# Reference: https://shop.example/a\n\nlure.test\n", Format.MALTRAIL),
        (
            "################\n# id,dateadded,url,threat,urlhaus_link\n1,2,http://lure.test/,,\n",
            Format.URLHAUS,
        ),
        ('# "first_seen","ioc_value","ioc_type"\n"1","lure.test","domain"\n', Format.THREATFOX),
        ("Domain,Malware,Date added,Source\nlure.test,x,,\n", Format.BLACKBOOK),
        ("description,domain,weight\nx,lure.test,1\n", Format.SPLUNK),
        ('{"Event": {"Attribute": []}}', Format.MISP),
        ('{\n  "response": [{"Event": {}}]}', Format.MISP),
        ('{"type": "bundle", "objects": []}', Format.STIX),
        ('{"objects": [], "more": false}', Format.STIX),
        ('[{"type": "indicator", "pattern": "x"}]', Format.STIX),
    ],
)
def test_a_format_is_seen(text: str, form: Format | None) -> None:
    assert detect(text.encode()) is form


@pytest.mark.parametrize("text", ["when,what,how\n1,lure.test,x\n2,other.test,y\n", "a,b\n" * 300])
def test_of_a_table_of_unknown_columns_it_says_what_to_do(text: str) -> None:
    with pytest.raises(FormatError, match="--column"):
        detect(text.encode())


@given(st.binary(max_size=300) | st.text(alphabet="a,#|!{[\" \n.:/'0", max_size=60).map(str.encode))
def test_whatever_a_file_begins_with_it_is_seen_or_refused(beginning: bytes) -> None:
    with contextlib.suppress(FormatError):
        form = detect(beginning)
        if form is not None:
            list(read_feed(form, io.BytesIO(beginning)))


def test_a_long_document_is_known_by_its_beginning() -> None:
    bundle = {"type": "bundle", "objects": [{"type": "identity", "name": "x" * 1_000}] * 200}
    assert detect(json.dumps(bundle, indent=1).encode()) is Format.STIX
