"""Canonical forms, the indicator table and redaction."""

from .blocking import BlockTarget, block_target, named_target
from .canonical import RefusedError, canonical
from .explaining import Explained, explain_url
from .indicator import Indicator, IndicatorType, ListAction, Match, Via
from .lists import COLUMNS, BadLine, ListProblem, read_list
from .redaction import redact
from .spotting import first_url, hosts_in
from .table import IndicatorTable

__all__ = [
    "COLUMNS",
    "BadLine",
    "BlockTarget",
    "Explained",
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
    "explain_url",
    "first_url",
    "hosts_in",
    "named_target",
    "read_list",
    "redact",
]
