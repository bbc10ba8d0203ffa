"""Every rule of the contract on every row: which rows are kept, which are set aside, and why."""

from evergreen.data.validation.frames import Checked, check
from evergreen.data.validation.keys import repeats, unique_rules
from evergreen.data.validation.results import ROW_CODES, Example, RuleResult, Validation
from evergreen.data.validation.stream import BATCH_ROWS, SiftedBatch, Stream, quarantine_schema, valid_schema

__all__ = [
    "BATCH_ROWS",
    "ROW_CODES",
    "Checked",
    "Example",
    "RuleResult",
    "SiftedBatch",
    "Stream",
    "Validation",
    "check",
    "quarantine_schema",
    "repeats",
    "unique_rules",
    "valid_schema",
]
