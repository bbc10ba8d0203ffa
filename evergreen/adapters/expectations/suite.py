"""The suite of Great Expectations: the contract's rules, and the user's own."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from evergreen.adapters.expectations.results import OWN
from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Column, Severity
from evergreen.config.contract.contract import Contract, Rule
from evergreen.data.validation.own import Expectation
from evergreen.data.validation.rules import cross_text, latest, severity_of


def by_rows(contract: Contract, today: date | None) -> list[Any]:
    """Return the expectations whose counts add up over pieces."""
    names = [column.name for column in contract.stored]
    expectations = [_expect("ExpectTableColumnsToMatchSet", "DQ001", "", "fail", column_set=names)]
    if contract.rows is not None:
        low, high = contract.rows
        severity = contract.severity.get("DQ015", "fail")
        expectations.append(
            _expect("ExpectTableRowCountToBeBetween", "DQ015", "", severity, min_value=low, max_value=high)
        )
    for column in contract.stored:
        expectations += _on_column(column)
    if contract.time and contract.future_days is not None and today is not None:
        bound: dict[str, Any] = {"column": contract.time, "max_value": latest(contract, today).to_pydatetime()}
        severity = contract.severity.get("DQ022", "fail")
        expectations.append(_expect("ExpectColumnValuesToBeBetween", "DQ022", contract.time, severity, **bound))
    return expectations + [_between_columns(rule) for rule in contract.rules]


def unique(contract: Contract) -> list[Any]:
    """Return the expectations that no value, and no key, is there twice."""
    expectations = [
        _expect("ExpectColumnValuesToBeUnique", "DQ010", c.name, severity_of("DQ010", c), column=c.name)
        for c in contract.stored
        if c.unique
    ]
    if contract.key:
        about = ("DQ006", ", ".join(contract.key), contract.severity.get("DQ006", "fail"))
        if len(contract.key) == 1:
            expectations.append(_expect("ExpectColumnValuesToBeUnique", *about, column=contract.key[0]))
        else:
            expectations.append(_expect("ExpectCompoundColumnsToBeUnique", *about, column_list=list(contract.key)))
    return expectations


def users(own: Sequence[Expectation]) -> list[Any]:
    """Return the user's own expectations.

    Raises
    ------
    ConfigError if Great Expectations knows no such type, or not with these arguments.
    """
    if not own:
        return []
    import great_expectations.expectations  # noqa: F401  the registry is filled by its import
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    expectations = []
    for expectation in own:
        try:
            meta = {"code": OWN, "column": str(expectation.kwargs.get("column", "")), "rule": ""}
            expectations.append(get_expectation_impl(expectation.type)(**{**expectation.kwargs, "meta": meta}))
        except (ExpectationNotFoundError, ValueError, TypeError) as error:
            what = " ".join(str(error).split())
            raise ConfigError(
                "CFG031",
                f"Great Expectations knows no {expectation.type} with these arguments: {what}",
                where="expectations.json",
                next_step="https://greatexpectations.io/expectations lists types and their arguments.",
            ) from error
    return expectations


def named(expectation: Any) -> list[str]:
    """Return the columns that an expectation names."""
    kwargs = expectation.configuration.kwargs
    single = [kwargs[name] for name in ("column", "column_A", "column_B") if kwargs.get(name)]
    return list(dict.fromkeys([*single, *kwargs.get("column_list", ())]))


def _on_column(column: Column) -> Iterator[Any]:
    def expect(kind: str, code: str, **kwargs: Any) -> Any:
        return _expect(kind, code, column.name, severity_of(code, column), column=column.name, **kwargs)

    if not column.nullable:
        yield expect("ExpectColumnValuesToNotBeNull", "DQ003")
    if column.min is not None or column.max is not None:
        yield expect("ExpectColumnValuesToBeBetween", "DQ004", min_value=column.min, max_value=column.max)
    if column.categories is not None:
        yield expect("ExpectColumnValuesToBeInSet", "DQ005", value_set=list(column.categories))
    if column.pattern is not None:
        # The look-ahead holds at the very end only, and keeps pandas from giving the pattern to RE2.
        yield expect("ExpectColumnValuesToMatchRegex", "DQ011", regex=rf"\A(?:{column.pattern})(?![\s\S])")
    if column.max_null_share is not None:
        yield expect("ExpectColumnValuesToNotBeNull", "DQ018", mostly=1 - column.max_null_share)
    if column.mean is not None:
        yield expect("ExpectColumnMeanToBeBetween", "DQ019", min_value=column.mean[0], max_value=column.mean[1])


def _between_columns(rule: Rule) -> Any:
    about = ("DQ012", f"{rule.left}, {rule.right}", rule.severity, cross_text(rule))
    if rule.operator == "==":
        kind, more = "ExpectColumnPairValuesToBeEqual", dict[str, Any]()
    else:
        kind, more = "ExpectColumnPairValuesAToBeGreaterThanB", {"or_equal": rule.operator in ("<=", ">=")}
    first, second = (rule.right, rule.left) if rule.operator in ("<", "<=") else (rule.left, rule.right)
    return _expect(kind, *about, column_A=first, column_B=second, ignore_row_if="either_value_is_missing", **more)


def _expect(kind: str, code: str, of: str, grade: Severity, rule: str = "", **kwargs: Any) -> Any:
    """Return an expectation that carries our code, the column as our results name it, and the text of a rule on two."""
    import great_expectations.expectations as gxe

    meta = {"code": code, "column": of, "rule": rule}
    return getattr(gxe, kind)(**kwargs, meta=meta, severity="warning" if grade == "warn" else "critical")
