"""Lists for tests, read as the product reads them."""

from vedette_analyzer.detectors import Lists
from vedette_indicators import IndicatorTable, read_list

HEADER = "type,value,action,severity,expires,source,attack,comment\n"


def table(*rows: str) -> IndicatorTable:
    found, bad = read_list(HEADER + "\n".join(rows) + "\n", name="blocklist.csv")
    assert not bad, bad
    return IndicatorTable(found)


def lists(*rows: str) -> Lists:
    return Lists(table(*rows))
