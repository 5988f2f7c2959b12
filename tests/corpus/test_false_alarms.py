"""How often lists that people really use hit what everybody visits, and what of it would be acted on."""

import json
import lzma
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_indicators import COLUMNS, IndicatorTable, read_list
from vedette_indicators.guard import Guard, read_guard

from tests.corpus.test_real_lists import LISTS, words
from tests.indicators.cases import TODAY

TABLE = Path(__file__).resolve().parents[2] / "docs" / "FALSE_ALARMS.md"
BENIGN = ("tranco10k", "cloudflare-top10k", "majestic_million", "moz-top500", "google", "microsoft-office365")
HEAD = """# False alarms

What everybody visits, looked up in lists that people really use (`make test-corpus`; the lists are no part
of this repository). *Hit* are everyday names that a list names, or names something above. *Acted on* is
what would be blocked of it if the list asked for that: without a guard all; with a guard made of the other
warninglists, so that a name's own list does not help; with all of them. Tenants below public suffixes are
not guarded: they are other people's.

A feed of URLs that is read as a list of hosts cuts a school off from its drive; as URLs it hits the pages
alone. That, more than any guard, is what keeps false alarms low.

| list | entries | everyday names | hit | acted on, others' guard | whole guard | such as |
|---|---|---|---|---|---|---|
"""


def _lists() -> Iterator[tuple[str, list[str]]]:
    yield "blackbook", [line.partition(",")[0] for line in words("blackbook.csv.xz")[1:]]
    yield "vn-badsite", words("vn-badsite-hosts.txt.xz")
    found = words("urlhaus-filter-2022.txt.xz")
    rules = [word.removeprefix("||").removesuffix("$all").rstrip("^/") for word in found]
    yield "urlhaus-filter, as it stands", rules
    yield "urlhaus-filter, the hosts of its URLs", [rule.partition("/")[0] for rule in rules]
    with tarfile.open(LISTS / "maltrail-malware-families.tar.xz") as archive:
        texts = [file.read().decode() for each in archive if (file := archive.extractfile(each)) is not None]
    lines = (line.partition("#")[0].strip() for text in texts for line in text.splitlines())
    yield "maltrail, malware", [line for line in lines if line and "/" not in line and ":" not in line]


def _table(hosts: list[str]) -> IndicatorTable:
    kept = [host for host in dict.fromkeys(hosts) if not {'"', ","} & set(host)]
    lines = (f"{_kind(host)},{host},block,,,,," for host in kept)
    return IndicatorTable(read_list("\n".join((",".join(COLUMNS), *lines)), name="it")[0])


def _kind(value: str) -> str:
    if "/" in value:
        return "url"
    return "ip" if value.replace(".", "").isdecimal() else "host"


@pytest.fixture(scope="module")
def warnings() -> dict[str, dict[str, str]]:
    """The warninglists, each as what it guards."""
    with lzma.open(LISTS / "misp-benign.json.xz", "rt", encoding="utf-8") as file:
        lists = json.load(file)
    return {name: read_guard(json.dumps(found), name=name)[0] for name, found in lists.items()}


def test_everyday_names_are_told_and_not_cut_off(warnings: dict[str, dict[str, str]]) -> None:
    everyday = {key[1:]: name for name in reversed(BENIGN) for key in warnings[name] if key.startswith("h")}
    whole = Guard({key: name for found in warnings.values() for key, name in found.items()})
    others = {
        own: Guard({key: name for name, found in warnings.items() if name != own for key in found})
        for own in BENIGN
    }
    rows: list[str] = []
    for name, hosts in _lists():
        table = _table(hosts)
        hit = [host for host in everyday if table.url(f"https://{host}/", on=TODAY)]
        entry = {host: table.url(f"https://{host}/", on=TODAY)[0].indicator.value for host in hit}
        left = [host for host in hit if others[everyday[host]].guarded(entry[host].partition("/")[0]) is None]
        still = [host for host in hit if whole.guarded(entry[host].partition("/")[0]) is None]
        known = sorted(hit, key=lambda host: -sum(f"h{host}" in found for found in warnings.values()))
        shown = ", ".join(known[:4]) or "–"
        counts = (len(table), len(everyday), len(hit), len(left), len(still))
        rows.append(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} | {shown} |")
        assert len(still) * 20 <= len(hit), name
    if os.environ.get("VEDETTE_WRITE_TABLE"):
        TABLE.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
