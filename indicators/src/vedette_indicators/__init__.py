"""Canonical forms, the indicator table and redaction."""

from .blocking import BlockTarget, block_target, named_target
from .canonical import RefusedError, canonical
from .indicator import Indicator, IndicatorType, ListAction, Match, Via
from .lists import COLUMNS, BadLine, ListProblem, read_list
from .redaction import redact
from .spotting import first_url
from .table import IndicatorTable

__all__ = [
    "COLUMNS",
    "BadLine",
    "BlockTarget",
    "Indicator",
    "IndicatorTable",
    "IndicatorType",
    "ListAction",
    "ListProblem",
    "Match",
    "RefusedError",
    "Via",
    "block_target",
    "canonical",
    "first_url",
    "named_target",
    "read_list",
    "redact",
]
