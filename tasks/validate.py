"""Step: observations -> those that keep the contract; the others go to quarantine with their codes."""

import logging
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from threading import Thread

import pyarrow as pa
from prefect import task

from evergreen.base.ahead import ahead
from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.validate import ValidateParams
from evergreen.data import datasets, validation
from evergreen.data.typed.schema import UNREADABLE, arrow_schema
from evergreen.data.validation import RuleResult, Validation
from evergreen.data.validation.own import Expectation
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Validated(Value):
    """The rows that keep the contract, those that do not, the results of every rule, and Great Expectations' pages."""

    valid: TableRef
    quarantine: TableRef
    validation: Validation
    docs: FolderRef


@task(name="validate", timeout_seconds=1800, **RECORDED)
def validate(
    raw: DatasetRef,
    *,
    ws: Workspace,
    contract: Contract,
    expectations: tuple[Expectation, ...],
    today: date | None,
    params: ValidateParams,
) -> Validated:
    """Judge every row by the contract, in two layers that must agree: our streaming pass and Great Expectations.

    Parameters
    ----------
    expectations : the user's own, asked of the rows whose values can be read.
    today : the day on which the table is judged; rules on how old its rows are do not apply without one.

    Raises
    ------
    DataError if the share of bad rows is above `params.max_bad_share`, a rule on a column or on the table fails, or an
    expectation of the user's own does. Quarantine and pages are written all the same.
    """
    from evergreen.adapters import expectations as layer
    from evergreen.adapters.expectations import data_docs

    Thread(target=layer.load, daemon=True).start()  # its import takes seconds, in which rows can be read
    path = ws.path(raw.uri)
    stream = validation.Stream.of_dataset(contract, path, raw, today=today)
    suite = layer.Layer(
        contract, own=expectations, today=today, rows=raw.rows, read=partial(_typed, path, raw, contract)
    )
    names = [column.name for column in contract.stored]
    with ws.writer("valid", validation.valid_schema(contract.stored)) as valid:  # there only if nothing raises
        with ws.writer("quarantine", validation.quarantine_schema(names)) as quarantine:
            for fragment, batch in ahead(datasets.batches(path, raw, max_rows=validation.BATCH_ROWS)):
                judged = stream.take(fragment.item, batch)
                valid.add(judged.kept)
                if judged.bad is not None:
                    quarantine.add(judged.bad)
                suite.add(fragment.partition, fragment.rows, judged.typed)
        ours, theirs = stream.validation(), suite.close()
        docs = ws.write_folder("docs", data_docs.pages(theirs.results), {"dataset": contract.name})
        layer.agree(theirs, ours)
        log.info("validate: %d rows, %d kept, %d quarantined", ours.rows, ours.kept, ours.quarantined)
        _require(ours, theirs.own_failed, params, quarantine=ws.path(quarantine.ref.uri), docs=ws.path(docs.uri))
    return Validated(valid=valid.ref, quarantine=quarantine.ref, validation=ours, docs=docs)


def _typed(path: Path, ref: DatasetRef, contract: Contract, names: Sequence[str]) -> pa.Table:
    """Return some columns of a dataset version's rows whose values can all be read."""
    schema = arrow_schema(contract.stored)
    batches = [
        batch.filter(batch.column(UNREADABLE).is_null()).select(list(names))
        for _, batch in datasets.scan(path, ref, [*names, UNREADABLE], max_rows=validation.BATCH_ROWS)
    ]
    return pa.Table.from_batches(batches, pa.schema([schema.field(name) for name in names]))


def _require(
    results: Validation, own_failed: Sequence[str], params: ValidateParams, *, quarantine: Path, docs: Path
) -> None:
    """Raise DataError for the first of the reasons for which nothing may be trained on these rows."""
    reasons = [(rule.code, str(rule).removeprefix(f"{rule.code} ")) for rule in results.stopping]
    reasons += [("DQ031", f"an expectation of yours does not hold: {expectation}") for expectation in own_failed]
    if results.quarantined > params.max_bad_share * results.rows:
        shown = "; ".join(map(str, _rows_only(results.broken)[:3]))
        what = (
            f"{results.quarantined} of {results.rows} rows break the contract, {params.max_bad_share:.0%} are allowed."
        )
        reasons.insert(0, ("DQ008", f"{what} {shown}"))
    if not reasons:
        return
    code, what = reasons[0]
    more = f"; and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    raise DataError(
        code,
        f"{what}{more}",
        where=str(quarantine),
        next_step=f"Open {docs / 'results.html'}; fix the source, or change the contract and say why.",
    )


def _rows_only(rules: Sequence[RuleResult]) -> list[RuleResult]:
    return [rule for rule in rules if rule.code in validation.ROW_CODES]
