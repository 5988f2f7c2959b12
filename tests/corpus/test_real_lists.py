"""Lists that people really use (../shared/data/lists, not a part of this repository) can be read."""

import lzma
import re
import tarfile
from pathlib import Path

from vedette_indicators import COLUMNS, IndicatorTable, read_list

from tests.corpus.test_indicator_cases import SHARED
from tests.indicators.cases import TODAY

LISTS = SHARED / "lists"


def words(name: str) -> list[str]:
    """The last word of each line that is no comment: the host in all of these formats."""
    with lzma.open(LISTS / name, "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return [line.split()[-1] for line in lines if line and line[0] not in "#!"]


def read(kind: str, values: list[str]) -> IndicatorTable:
    text = "\n".join(
        (",".join(COLUMNS), *(f'{kind},"{value}",,,,,,' for value in values if '"' not in value))
    )
    good, bad = read_list(text, name=kind)
    assert all(len(line.reason) < 300 for line in bad)
    return IndicatorTable(good)


def test_hosts() -> None:
    blackbook = [line.partition(",")[0] for line in words("blackbook.csv.xz")[1:]]
    hosts = [*blackbook, *words("vn-badsite-hosts.txt.xz"), *words("urlhaus-filter-2022.txt.xz")[:40_000]]
    table = read("host", hosts)
    assert 30_000 < len(table) < len(hosts)
    assert table.url("https://www.statsrvv.com/gate.php", on=TODAY)
    assert not table.url("https://www.python.org/downloads/", on=TODAY)


def test_addresses_with_ports() -> None:
    with tarfile.open(LISTS / "maltrail-malware-families.tar.xz") as archive:
        texts = [
            file.read().decode() for member in archive if (file := archive.extractfile(member)) is not None
        ]
    found = re.findall(r"(?m)^\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}$", "\n".join(texts))[:50_000]
    table = read("ip:port", found)
    assert len(table) > 0.9 * len(set(found)) > 1_000
    assert table.connection(found[0], on=TODAY)


def test_what_everybody_visits_is_not_taken_for_a_listed_phrase_or_program() -> None:
    with lzma.open(LISTS / "misp-benign.json.xz", "rt", encoding="utf-8") as file:
        names = re.findall(r'"([a-z0-9.-]+\.[a-z]{2,})"', file.read())[:5_000]
    shipped = Path(__file__).resolve().parents[2] / "data" / "blocklist.csv"
    table = IndicatorTable(read_list(shipped.read_bytes(), name=shipped.name)[0])
    assert [name for name in names if table.window(f"{name} - Mozilla Firefox", "linux", on=TODAY)] == []
