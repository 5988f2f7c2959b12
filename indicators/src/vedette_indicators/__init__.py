"""Canonical forms, the indicator table and redaction."""

from .canonical import RefusedError, canonical
from .indicator import Indicator, IndicatorType, ListAction, Match, Via
from .lists import COLUMNS, BadLine, ListProblem, read_list
from .redaction import redact
from .spotting import first_url
from .table import IndicatorTable

__all__ = [
    "COLUMNS",
    "BadLine",
    "Indicator",
    "IndicatorTable",
    "IndicatorType",
    "ListAction",
    "ListProblem",
    "Match",
    "RefusedError",
    "Via",
    "canonical",
    "first_url",
    "read_list",
    "redact",
]
