"""Every case of the shared table (../shared/data), which is not a part of this repository."""

from pathlib import Path

import pytest

from tests.indicators.cases import Case, ask, is_refused, read_cases, table_of

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CASES = SHARED / "indicator_cases.csv"


def _cases() -> list[Case]:
    return read_cases(CASES) if CASES.exists() else []


def test_the_shared_cases_are_there() -> None:
    assert len(_cases()) == 95, f"{CASES} is missing or has changed"


@pytest.mark.parametrize("case", _cases(), ids=lambda case: str(case.id))
def test_case(case: Case) -> None:
    assert is_refused(case) == ("refuse" in case.why), case.why
    found = ask(table_of((case.type, case.value)), case)
    assert bool(found) == (case.match == "yes"), case.why
