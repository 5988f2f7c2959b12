"""Every case of cases.csv, by name."""

from pathlib import Path

import pytest

from tests.indicators.cases import Case, ask, is_refused, read_cases, table_of

CASES = read_cases(Path(__file__).with_name("cases.csv"))


def test_no_case_is_lost() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.id))
def test_case(case: Case) -> None:
    assert is_refused(case) == case.why.endswith("refused"), case.why
    found = ask(table_of((case.type, case.value)), case)
    assert bool(found) == (case.match == "yes"), case.why
