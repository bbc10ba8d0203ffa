"""Whether test rows are what they claim to be: rows that the model has not seen."""

import pandas as pd

from evergreen.base.errors import IntegrityError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features as domain


def check(train: pd.DataFrame, test: pd.DataFrame, contract: Contract, features: FeatureParams) -> None:
    """Raise IntegrityError if test rows are among the train rows, or not later than all of them.

    Rows are the same that share the contract's key, where repeated keys are not merely warned of. In a table with
    neither time nor key, rows are the same that share all features and the target.
    """
    if contract.time is not None:
        last, first = train[contract.time].max(), test[contract.time].min()
        if last >= first:
            raise _leak(f"train rows last until {last}, test rows begin at {first}", contract)
    by = list(contract.key) if contract.severity.get("DQ006") != "warn" else []
    if contract.time is None and not contract.key:
        by = [*domain.inputs(contract, features).names, contract.target]
    if not by:
        return
    # Not merge: its time grows with the square of the columns.
    both = pd.concat([test[by].drop_duplicates(), train[by].drop_duplicates()], ignore_index=True)
    shared = int(both.duplicated().sum())
    if shared:
        what = "the same key" if contract.key else "the same features and target"
        raise _leak(f"{shared} test rows are train rows too: they have {what}", contract)


def check_trained_on(data: str, train_sha256: str, *, where: str) -> None:
    """Raise IntegrityError if a model whose manifest names `data` was not trained on the table of that digest."""
    if data != train_sha256:
        raise IntegrityError(
            "INT014",
            f"the model was trained on the table {data[:12] or 'unknown'}, the train rows are {train_sha256[:12]}",
            where=where,
            next_step="Train again on these rows: evergreen run, or dvc repro.",
        )


def _leak(what: str, contract: Contract) -> IntegrityError:
    return IntegrityError(
        "INT015",
        f"the test rows are not unseen: {what}",
        where=f"contract '{contract.name}'",
        next_step="Make the split again from the validated rows: dvc repro --force features, or evergreen run.",
    )
