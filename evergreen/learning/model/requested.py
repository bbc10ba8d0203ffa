"""What a row is asked with, as plain data that is read without the contract."""

from evergreen.config import derived
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.data.validation.rules import severity_of
from evergreen.learning.model.compiled.plan import PlanColumn

REFUSING = ("DQ003", "DQ004", "DQ005", "DQ011")  # the codes of rules on single values


def requested(contract: Contract, features: FeatureParams) -> tuple[PlanColumn, ...]:
    """Return the contract's request columns in its order, then the features of the past."""
    given = derived.history(features)
    return (*map(_column, contract.request_columns), *(_column(column, given=True) for column in given))


def _column(column: Column, *, given: bool = False) -> PlanColumn:
    return PlanColumn(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        given=given,
        min=column.min,
        max=column.max,
        categories=column.categories,
        pattern=column.pattern,
        spelling=column.spelling,
        refuses=tuple(code for code in REFUSING if severity_of(code, column) == "fail"),
    )
