"""Step: observations -> those that keep the contract; the others go to quarantine with their codes."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date
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
    path, dataset = ws.path(raw.uri), _Dataset(raw, ws, contract)
    manifest = datasets.read_manifest(path, raw.sha256)
    repeats = [validation.repeats(rule, dataset.scan) for rule in validation.unique_rules(contract)]
    stream = validation.Stream(contract, items=manifest.items, repeats=repeats, today=today)
    suite = layer.Layer(contract, own=expectations, today=today, rows=raw.rows, read=dataset.typed)
    names = [column.name for column in contract.stored]
    with ws.writer("valid", validation.valid_schema(contract.stored)) as valid:  # there only if nothing raises
        with ws.writer("quarantine", validation.quarantine_schema(names)) as quarantine:
            for fragment, batch in ahead(datasets.batches(path, raw, max_rows=validation.BATCH_ROWS)):
                judged = stream.take(fragment.item, batch)
                valid.add(judged.kept)
                if judged.bad is not None:
                    quarantine.add(judged.bad)
                suite.add(fragment.partition, fragment.rows, judged.typed)
        found, theirs = stream.validation(), suite.close()
        docs = ws.write_folder("docs", data_docs.pages(theirs.results), {"dataset": contract.name})
        layer.agree(theirs, found)
        log.info("validate: %d rows, %d kept, %d quarantined", found.rows, found.kept, found.quarantined)
        _require(found, theirs.own_failed, params, quarantine=ws.path(quarantine.ref.uri), docs=ws.path(docs.uri))
    return Validated(valid=valid.ref, quarantine=quarantine.ref, validation=found, docs=docs)


class _Dataset:
    """A dataset version, read again and again, some columns at a time."""

    def __init__(self, ref: DatasetRef, ws: Workspace, contract: Contract) -> None:
        self._ref, self._path, self._schema = ref, ws.path(ref.uri), arrow_schema(contract.stored)

    def scan(self, names: Sequence[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Return batches of some columns with the partition that they lie in."""
        found = datasets.batches(self._path, self._ref, columns=names, max_rows=validation.BATCH_ROWS)
        for fragment, batch in found:
            yield fragment.partition, batch

    def typed(self, names: Sequence[str]) -> pa.Table:
        """Return some columns of the rows whose values can all be read."""
        batches = [
            batch.filter(batch.column(UNREADABLE).is_null()).select(list(names))
            for _, batch in self.scan([*names, UNREADABLE])
        ]
        return pa.Table.from_batches(batches, pa.schema([self._schema.field(name) for name in names]))


def _require(
    found: Validation, own_failed: Sequence[str], params: ValidateParams, *, quarantine: Path, docs: Path
) -> None:
    """Raise DataError for the first of the reasons for which nothing may be trained on these rows."""
    reasons = [(rule.code, str(rule).removeprefix(f"{rule.code} ")) for rule in found.stopping]
    reasons += [("DQ031", f"an expectation of yours does not hold: {each}") for each in own_failed]
    if found.quarantined > params.max_bad_share * found.rows:
        shown = "; ".join(map(str, _rows_only(found.broken)[:3]))
        what = f"{found.quarantined} of {found.rows} rows break the contract, {params.max_bad_share:.0%} are allowed."
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
