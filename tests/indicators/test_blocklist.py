"""The list that ships: it reads whole, and acts on reserved names and the demo's program only."""

from pathlib import Path

from vedette_indicators import Indicator, IndicatorTable, IndicatorType, ListAction, read_list
from vedette_schemas import Severity

from tests.indicators.cases import TODAY

LIST = Path(__file__).resolve().parents[2] / "data" / "blocklist.csv"


def rows() -> tuple[Indicator, ...]:
    good, bad = read_list(LIST.read_bytes(), name=LIST.name)
    assert bad == ()
    return good


def test_only_reserved_names_and_the_demo_are_acted_on() -> None:
    acting = {(row.type, row.value): row.action for row in rows() if row.action is not ListAction.ALERT}
    assert acting == {
        (IndicatorType.HOST, "phishing.vedette.example"): ListAction.BLOCK,
        (IndicatorType.URL, "malware.vedette.test/payload"): ListAction.BLOCK,
        (IndicatorType.PROGRAM, "vedette-demo-program"): ListAction.TERMINATE,
        (IndicatorType.PHRASE, "vedette demo phrase"): ListAction.TERMINATE,
    }


def test_every_row_says_where_it_comes_from_and_never_expires() -> None:
    assert {(row.source, row.expires) for row in rows()} == {("vedette", None)}


def test_the_demo_rows_match_what_the_demo_shows() -> None:
    table = IndicatorTable(rows())
    assert [match.indicator.severity for match in table.window("A Vedette demo phrase - Firefox", on=TODAY)]
    assert table.url("https://malware.vedette.test/payload?id=1", on=TODAY)
    assert table.url("https://login.phishing.vedette.example/", on=TODAY)
    (match,) = table.process("/tmp/demo/vedette-demo-program", "linux", on=TODAY)
    assert match.indicator.severity is Severity.HIGH


def test_ordinary_work_stays_quiet() -> None:
    table = IndicatorTable(rows())
    for title in (
        "Inbox (3) - someone@example.org - Mozilla Thunderbird",
        "report.docx - LibreOffice Writer",
    ):
        assert table.window(title, "linux", on=TODAY) == []
    assert table.process("/usr/bin/python3", "linux", on=TODAY) == []
