"""Names below which everybody can have a name: what may be listed of them, and what such a row hits."""

from pathlib import Path

import pytest
from publicsuffixlist import PublicSuffixList
from vedette_indicators import IndicatorType, RefusedError, block_target, canonical, explain_url
from vedette_indicators.formats.values import settled
from vedette_indicators.suffixes import is_public, suffixes
from vedette_schemas import BlockedHost

from tests.indicators.cases import TODAY
from tests.indicators.test_compiled import both

MACHINE = "ec2-3-5-7-9.compute-1.amazonaws.com"


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        (MACHINE, True),
        ("tenant.awdev.ca", True),
        ("eu-west-1.compute.amazonaws.com", True),  # a region: it hits that name alone
        (f"www.{MACHINE}", True),
        ("tenant.github.io", True),
        ("tenant.blogspot.com", True),
        ("compute-1.amazonaws.com", False),  # itself, below which the machines are
        ("ex.futurecms.at", False),  # below a wildcard, and a suffix of its own
        ("github.io", False),
        ("s3.amazonaws.com", False),
        ("co.uk", False),
        ("any.ck", False),  # a registry's: who has it is nobody's customer
        ("any.kawasaki.jp", False),
        ("kawasaki.jp", False),
        ("city.kawasaki.jp", True),  # excepted from its wildcard
        ("www.ck", True),
    ],
)
def test_a_customers_name_may_be_listed_and_a_suffix_not(name: str, is_listed: bool, tmp_path: Path) -> None:
    if not is_listed:
        with pytest.raises(RefusedError, match="public suffix"):
            canonical(IndicatorType.HOST, name)
    for table in both(tmp_path, f"host,{name},,,,,,"):
        assert bool(table.url(f"https://{name}/a", on=TODAY)) == bool(len(table)) == is_listed


@pytest.mark.parametrize(
    ("url", "is_hit"),
    [
        (f"https://{MACHINE}/a", True),
        (f"https://{MACHINE.upper()}.:8443/", True),
        (f"https://www.{MACHINE}/", False),
        ("https://ec2-9-9-9-9.compute-1.amazonaws.com/", False),
        ("https://compute-1.amazonaws.com/", False),
    ],
)
def test_a_row_about_a_customers_name_hits_that_name_alone(url: str, is_hit: bool, tmp_path: Path) -> None:
    for rows in ([f"host,{MACHINE},,,,,,"], [f"host,{MACHINE},,,,,,", f"url,{MACHINE}/b,,,,,,"]):
        for table in both(tmp_path, *rows):
            assert bool(table.url(url, on=TODAY)) == is_hit
            assert bool(table.clipboard(f"see {url}", on=TODAY)) == is_hit


def test_a_feed_may_list_it_as_well() -> None:
    assert settled(MACHINE) == (IndicatorType.HOST, MACHINE)
    with pytest.raises(RefusedError, match="public suffix"):
        settled("compute-1.amazonaws.com")


def test_what_is_blocked_and_explained_is_that_name_alone() -> None:
    assert block_target(MACHINE) == BlockedHost(name=MACHINE)
    explained = explain_url(f"https://{MACHINE}/")
    assert explained is not None
    assert explained.hosts == (MACHINE, "amazonaws.com")
    below = explain_url(f"https://www.{MACHINE}/")
    assert below is not None
    assert below.hosts == (f"www.{MACHINE}", "amazonaws.com")


def test_what_is_public_is_so_by_the_lists_own_reader() -> None:
    theirs, known = PublicSuffixList(), suffixes()
    rules = known.names | known.wild | known.excepted
    for name in {*rules, *(f"a.{rule}" for rule in rules), *(f"b.a.{rule}" for rule in rules), "a.nowhere"}:
        assert is_public(name) == theirs.is_public(name), name
