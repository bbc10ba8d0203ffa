"""What a row is asked with, as plain data that is read without the contract."""

from collections.abc import Sequence

from msgspec import UNSET

from evergreen.config import derived
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.config.params.features import FeatureParams
from evergreen.data.validation.rules import severity_of
from evergreen.learning.model.compiled.plan import NumberForm, PlanColumn

REFUSING = ("DQ003", "DQ004", "DQ005", "DQ011")  # the codes of rules on single values


def requested(contract: Contract, features: FeatureParams) -> tuple[PlanColumn, ...]:
    """Return the contract's request columns in its order, then the features of the past."""
    given = derived.history(features)
    declared = {column.name: planned(column) for column in contract.columns if not column.parts}
    own = (planned(column, parts=[declared[name] for name in column.parts]) for column in contract.request_columns)
    return (*own, *(planned(column, given=True) for column in given))


def planned(column: Column, *, given: bool = False, parts: Sequence[PlanColumn] = ()) -> PlanColumn:
    """Return a column as plain data; `parts`: what its time is told by."""
    spelling = column.spelling
    return PlanColumn(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        given=given,
        min=column.min,
        max=column.max,
        categories=column.categories,
        pattern=column.pattern,
        spelling=NumberForm(**spelling.model_dump()) if isinstance(spelling, NumberSpelling) else spelling,
        refuses=tuple(code for code in REFUSING if severity_of(code, column) == "fail"),
        missing=column.missing or UNSET,
        parts=tuple(parts) or UNSET,
    )
