"""CSV feeds: by the names of their columns, by number, and those that are known."""

import pytest
from vedette_indicators import IndicatorType
from vedette_indicators.formats import Columns, Format, FormatError

from tests.indicators.formats.reading import reading

DAY = '"2026-01-01 10:00:00"'
URLHAUS = f"""################
# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter
"3",{DAY},"http://9.9.9.9:81/bin.sh","online","","elf","elf,mirai","",""
"4",{DAY},"https://evil.test/a,b.exe","offline","","exe","None","",""
"""
THREATFOX = f"""# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","malware_printable"
{DAY}, "1", "9.9.9.9:4444", "ip:port", "botnet_cc", "Sliver"
{DAY}, "2", "evil.test", "domain", "botnet_cc", "Sliver"
{DAY}, "3", "x", "envelope", "botnet_cc", "Sliver"
"""
SPLUNK = "description,ip,weight,domain\nbad,9.9.9.9,3,\nworse,9.9.9.0/24,3,evil.test\nnothing,,3,\n"


def test_urlhaus() -> None:
    found = reading(Format.URLHAUS, URLHAUS)
    assert found.values == ["url 9.9.9.9:81/bin.sh", "url evil.test/a,b.exe"]
    assert [(each.place, each.note) for each in found.entries] == [
        (3, "elf elf,mirai"),
        (4, "exe"),
    ]
    assert found.refused == []


def test_threatfox() -> None:
    found = reading(Format.THREATFOX, THREATFOX)
    assert found.values == ["ip:port 9.9.9.9:4444", "host evil.test"]
    assert found.entries[0].note == "Sliver botnet_cc"
    assert found.reasons == {4: "of a type that is not looked for: 'envelope'"}


def test_blackbook() -> None:
    found = reading(
        Format.BLACKBOOK, "Domain,Malware,Date added,Source\nevil.test,amadey,2024-08-11,ViriBack\n"
    )
    assert (found.values, found.entries[0].note) == (["host evil.test"], "amadey ViriBack")


def test_a_lookup_as_splunk_has_them_may_hold_several_values_a_row() -> None:
    found = reading(Format.SPLUNK, SPLUNK)
    assert found.values == ["ip 9.9.9.9", "cidr 9.9.9.0/24", "host evil.test"]
    assert [each.place for each in found.entries] == [2, 3, 3]
    assert found.reasons == {4: "no value in its column"}


def test_columns_by_number_need_no_header() -> None:
    columns = Columns({2: None}, notes=(1,), delimiter="\t")
    found = reading(Format.CSV, "spam\tevil.test\nc2\t9.9.9.9:81\nshort\n", columns)
    assert found.values == ["host evil.test", "ip:port 9.9.9.9:81"]
    assert [each.note for each in found.entries] == ["spam", "c2"]
    assert found.reasons == {3: "no value in its column"}


def test_columns_by_name_are_found_wherever_they_stand() -> None:
    columns = Columns({"IOC": IndicatorType.HASH}, delimiter=";")
    digits = "0" * 31 + "1"
    assert reading(Format.CSV, f'a;"ioc";b\n1;{digits};2\n', columns).values == [f"hash {digits}"]


def test_without_the_columns_that_are_needed_nothing_is_read() -> None:
    with pytest.raises(FormatError, match="line 1: no header that names 'ioc_value' and 'ioc_type'"):
        reading(Format.THREATFOX, "ioc_value,something\nevil.test,domain\n")


def test_an_open_quote_swallows_one_line_only() -> None:
    found = reading(Format.CSV, 'url\n"evil.test\ngood.test\n', Columns({"url": None}))
    assert found.values == ["host good.test"]
    assert found.reasons == {2: "a quote is not closed on its line, or stands within a value"}


def test_what_a_feed_says_is_one_short_line() -> None:
    note = "x\x1b[31m\u202e" + "y" * 900
    entry = reading(Format.CSV, f"{note},evil.test\n", Columns({2: None}, notes=(1,))).entries[0]
    assert entry.note.startswith("x?[31m?yy")
    assert len(entry.note) == 200
