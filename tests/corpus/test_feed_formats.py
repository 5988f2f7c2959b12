"""Lists that people really use (../shared/data/lists, not a part of this repository), read as feeds."""

import contextlib
import io
import lzma
import tarfile
from collections import Counter

import pytest
from vedette_indicators import IndicatorType
from vedette_indicators.formats import Entry, Format, FormatError, Refused, read_feed

from tests.corpus.test_indicator_cases import SHARED

LISTS = SHARED / "lists"


def content(name: str) -> bytes:
    raw = lzma.decompress((LISTS / name).read_bytes())
    if not name.endswith(".tar.xz"):
        return raw
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        files = (archive.extractfile(member) for member in archive)
        return b"\n".join(file.read() for file in files if file is not None)


@pytest.mark.parametrize(
    ("name", "form", "at_least", "refused_at_most"),
    [
        ("vn-badsite-hosts.txt.xz", Format.HOSTS, {IndicatorType.HOST: 16_800}, 0.001),
        ("blackbook.csv.xz", Format.BLACKBOOK, {IndicatorType.HOST: 18_100}, 0.001),
        (
            "urlhaus-filter-2022.txt.xz",
            Format.FILTER,
            {IndicatorType.HOST: 6_000, IndicatorType.IP: 128_000, IndicatorType.URL: 4_250},
            0.001,
        ),
        (
            "maltrail-malware-families.tar.xz",
            Format.MALTRAIL,
            {IndicatorType.HOST: 200_000, IndicatorType.IP_PORT: 60_000, IndicatorType.URL: 21_000},
            0.03,  # paths without a host
        ),
    ],
)
def test_a_list_is_read(
    name: str, form: Format, at_least: dict[IndicatorType, int], refused_at_most: float
) -> None:
    items = list(read_feed(form, io.BytesIO(content(name))))
    kinds = Counter(item.type for item in items if isinstance(item, Entry))
    assert {kind: kinds[kind] >= count for kind, count in at_least.items()} == dict.fromkeys(at_least, True)
    refused = [item for item in items if isinstance(item, Refused)]
    assert len(refused) <= refused_at_most * len(items)


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.CSV])
@pytest.mark.parametrize("name", ["public_suffix_list.dat.xz", "misp-benign.json.xz"])
def test_of_a_list_in_another_format_little_is_taken_or_nothing(form: Format, name: str) -> None:
    items: list[Entry | Refused] = []
    with contextlib.suppress(FormatError):
        items += read_feed(form, io.BytesIO(content(name)))
    assert sum(isinstance(item, Entry) for item in items) <= 0.1 * len(items)
