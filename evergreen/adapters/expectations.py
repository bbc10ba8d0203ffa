"""Great Expectations: the suite derived from the contract, run on a table."""

from typing import Any

import pandas as pd

from evergreen.artifacts import Value
from evergreen.contract import Contract
from evergreen.errors import IntegrityError
from evergreen.validation import Validation


class Expectations(Value):
    """Counts of a suite's run, and the JSON of its results as Great Expectations writes it."""

    evaluated: int
    failed: int
    results: dict[str, Any]


def suite(contract: Contract) -> Any:
    """Return the Great Expectations suite of a contract; each expectation carries our rule's code in its meta."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    expectations: list[Any] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=[c.name for c in contract.columns], meta={"code": "DQ001"})
    ]
    for column in contract.columns:
        if not column.nullable:
            expectations.append(gxe.ExpectColumnValuesToNotBeNull(column=column.name, meta={"code": "DQ003"}))
        if column.min is not None or column.max is not None:
            expectations.append(
                gxe.ExpectColumnValuesToBeBetween(
                    column=column.name, min_value=column.min, max_value=column.max, meta={"code": "DQ004"}
                )
            )
        if column.categories is not None:
            expectations.append(
                gxe.ExpectColumnValuesToBeInSet(
                    column=column.name, value_set=list(column.categories), meta={"code": "DQ005"}
                )
            )
    if len(contract.key) == 1:
        expectations.append(gxe.ExpectColumnValuesToBeUnique(column=contract.key[0], meta={"code": "DQ006"}))
    elif contract.key:
        expectations.append(gxe.ExpectCompoundColumnsToBeUnique(column_list=list(contract.key), meta={"code": "DQ006"}))
    return gx.ExpectationSuite(name=contract.name, expectations=expectations)


def run(rows: pd.DataFrame, contract: Contract) -> Expectations:
    """Run the contract's suite on `rows`, whose columns have the declared types."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(contract.name).add_dataframe_asset(contract.name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    found = batch.validate(suite(contract), result_format="SUMMARY")
    failed = sum(not result.success for result in found.results)
    return Expectations(evaluated=len(found.results), failed=failed, results=found.to_json_dict())


def agree(expectations: Expectations, validation: Validation) -> None:
    """Check that both layers counted the same bad rows, rule by rule.

    Raises
    ------
    IntegrityError naming the first rule on which they differ: one of the two layers is wrong then, so neither counts.
    """
    ours = {(rule.code, rule.column): rule.n_bad for rule in validation.rules if rule.code not in ("DQ001", "DQ002")}
    theirs = {}
    for result in expectations.results["results"]:
        config = result["expectation_config"]
        code, kwargs = config["meta"]["code"], config["kwargs"]
        column = kwargs.get("column") or ", ".join(kwargs.get("column_list", ()))
        counted = result["success"] if code == "DQ001" else "unexpected_count" in result["result"]
        if not counted:
            raise IntegrityError(
                "INT006",
                f"Great Expectations could not evaluate {config['type']}{_reason(result)}",
                where=column or "columns",
                next_step="Report this with the contract; nothing was trained.",
            )
        if code != "DQ001":
            theirs[code, column] = int(result["result"]["unexpected_count"])
    if ours != theirs:
        rule = min({*ours.items()} ^ {*theirs.items()})[0]
        raise IntegrityError(
            "INT006",
            f"the two validation layers disagree on {rule[0]} of '{rule[1]}': "
            f"{ours.get(rule)} and {theirs.get(rule)} rows",
            where="validate",
            next_step="Report this with the contract; nothing was trained.",
        )


def _reason(result: dict[str, Any]) -> str:
    """Return why a rule has no count; Great Expectations keeps it under the name of the metric that raised."""
    about = result["exception_info"]
    raised = next((info for info in about.values() if isinstance(info, dict)), about)
    reason = raised.get("exception_message") or ", ".join(result["result"].get("observed_value", ()))
    return f": {reason}" if reason else ""
