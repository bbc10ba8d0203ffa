"""Step: observations -> those that keep the contract; the others go to quarantine with their codes."""

import logging

from prefect import task

from evergreen import validation
from evergreen.artifacts import TableRef, Value, Workspace
from evergreen.contract import Contract
from evergreen.errors import DataError
from evergreen.params import ValidateParams
from evergreen.validation import Validation
from tasks.engine import RECORDED

log = logging.getLogger(__name__)


class Validated(Value):
    """The rows that keep the contract, those that do not, and the counts of every rule."""

    valid: TableRef
    quarantine: TableRef
    validation: Validation


@task(name="validate", timeout_seconds=1800, **RECORDED)
def validate(raw: TableRef, ws: Workspace, contract: Contract, params: ValidateParams) -> Validated:
    """Judge every row by the contract, in two layers that must agree: our row mask and Great Expectations.

    Raises
    ------
    DataError if the share of bad rows is above `params.max_bad_share`; the quarantine is written all the same.
    """
    from evergreen.adapters import expectations

    rows = ws.read(raw)
    checked = validation.check(rows, contract.columns, key=contract.key)
    found = checked.validation
    quarantine = ws.write("quarantine", validation.quarantine(rows, checked))
    expectations.agree(expectations.run(checked.typed, contract), found)
    log.info("validate: %d rows, %d kept, %d quarantined", found.rows, found.kept, found.quarantined)
    if found.quarantined > params.max_bad_share * found.rows:
        shown = "; ".join(map(str, found.broken[:3]))
        raise DataError(
            "DQ008",
            f"{found.quarantined} of {found.rows} rows break the contract, {params.max_bad_share:.0%} are allowed. "
            f"{shown}",
            where=str(ws.path(quarantine.uri)),
            next_step="Fix the source, or change the contract and say why.",
        )
    return Validated(
        valid=ws.write("valid", checked.kept.reset_index(drop=True)), quarantine=quarantine, validation=found
    )
