"""Great Expectations: the suite derived from the contract and the user's own, run on typed rows piece by piece."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.adapters.expectations import suite
from evergreen.adapters.expectations.results import Expectations, agree, code_of, merged
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import to_pandas
from evergreen.data.typed.values import EXACT
from evergreen.data.validation.own import Expectation

MOST_ROWS = 1_000_000  # in one piece: a table above it is judged partition by partition
__all__ = ["Expectations", "Layer", "agree", "load"]

Read = Callable[[Sequence[str]], pa.Table]


class Layer:
    """Runs the suite on a table whose typed rows come in batches.

    Rules on rows are asked of pieces of at most about MOST_ROWS, cut between partitions where that is possible, and
    their counts are added. Rules on the table as a whole, which uniqueness and the user's own are, are asked of it
    in one piece: of the columns that they name, where the table is large.

    Parameters
    ----------
    rows : the number of rows of the table, unreadable ones included.
    read : returns the typed rows of the whole table, some columns of them.
    """

    def __init__(
        self, contract: Contract, *, own: Sequence[Expectation] = (), today: date | None = None, rows: int, read: Read
    ) -> None:
        self._columns = [column.name for column in contract.stored]
        self._name = contract.name
        self._contract, self._own, self._today = contract, own, today
        self._is_small = rows <= MOST_ROWS
        self._read = read
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        self._partition = ""
        self._pieces: list[list[dict[str, Any]]] = []

    @cached_property
    def _by_rows(self) -> list[Any]:
        return suite.by_rows(self._contract, self._today)

    @cached_property
    def _whole(self) -> list[Any]:
        return [*suite.unique(self._contract), *suite.users(self._own)]

    def add(self, partition: str, rows: int, typed: pa.RecordBatch) -> None:
        """Take typed rows of a file of `rows` rows in a partition."""
        if self._waiting and self._n_waiting + rows > MOST_ROWS and partition != self._partition:
            self._flush()
        self._partition = partition
        self._waiting.append(typed.select(self._columns))
        self._n_waiting += typed.num_rows
        if self._n_waiting > MOST_ROWS and not self._is_small:
            self._flush()

    def close(self) -> Expectations:
        """Return the results of the whole table."""
        if self._waiting or not self._pieces:
            self._flush()
        results = [merged(list(pieces)) for pieces in zip(*self._pieces, strict=True)]
        if not self._is_small:
            for expectation in self._whole:
                names = suite.named(expectation) or self._columns
                results += _run(_frame(self._read(names)), [expectation], self._name)
        failed = sum(not result["success"] for result in results)
        return Expectations(
            evaluated=len(results),
            failed=failed,
            results={"success": not failed, "suite_name": self._name, "results": results},
        )

    def _flush(self) -> None:
        waiting, self._waiting, self._n_waiting = self._waiting, [], 0
        table = pa.Table.from_batches(waiting) if waiting else self._read(self._columns)
        asked = [*self._by_rows, *self._whole] if self._is_small else self._by_rows
        self._pieces.append(_run(_frame(table), asked, self._name))


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return typed rows in the dtypes that Great Expectations is quick with: NumPy's, where they hold every value."""
    frame = to_pandas(table)
    for name, dtype in frame.dtypes.items():
        if dtype == pd.Int64Dtype():
            values = table.column(name)
            span = pc.min_max(values).as_py()
            is_exact = values.null_count < len(values) and max(-span["min"], span["max"]) <= EXACT
            if not values.null_count or is_exact:
                frame[name] = frame[name].astype("float64" if values.null_count else "int64")
        elif dtype == pd.BooleanDtype() and not table.column(name).null_count:
            frame[name] = frame[name].astype("bool")
    return frame


def _run(rows: pd.DataFrame, asked: Sequence[Any], name: str) -> list[dict[str, Any]]:
    """Run expectations on `rows` and return their results in JSON, in the order of `asked`."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    numbered = [
        expectation.copy(update={"meta": {**expectation.meta, "number": n}}) for n, expectation in enumerate(asked)
    ]
    outcome = batch.validate(gx.ExpectationSuite(name=name, expectations=numbered), result_format="BASIC")
    # Through JSON: a NumPy number or a NaN that is left inside breaks what reads the results.
    results = [
        json.loads(json.dumps(result.to_json_dict(), default=str), parse_constant=lambda _: None)
        for result in outcome.results
    ]
    for result in results:
        config = result["expectation_config"]
        config["kwargs"].pop("batch_id", None)
        _weigh(result, rows)
    results.sort(key=lambda result: result["expectation_config"]["meta"].pop("number"))
    return results


def _weigh(result: dict[str, Any], rows: pd.DataFrame) -> None:
    """Note the number of values behind a mean, with which means of pieces are put together."""
    column = result["expectation_config"]["kwargs"].get("column")
    if code_of(result) == "DQ019" and column in rows:
        result["result"]["element_count"] = int(rows[column].notna().sum())


def load() -> None:
    """Import Great Expectations, which takes seconds."""
    import great_expectations.expectations  # noqa: F401
