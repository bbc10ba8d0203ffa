"""Which columns know the target too well: consequences of it, copies of it, and what merely looks suspicious."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column, Task
from evergreen.config.contract.contract import Contract

Array = np.ndarray[Any, Any]

# A natural measure of a small table can separate its classes: petal length does so for iris. In a large one none does.
FEWEST_FOR_SCORE, FEWEST_FOR_COPY, FEWEST_EACH = 1_000, 50, 10
CERTAIN = {"binary": 0.995, "multiclass": 0.995, "regression": 0.99}
SUSPICIOUS = {"binary": 0.98, "multiclass": 0.98, "regression": 0.9}
MOST_CODES, ROWS_PER_CODE = 50, 10
FEWEST_ABSENT, ABSENT_WITHOUT, ABSENT_WITH = 20, 0.8, 0.02
SUSPICIOUSLY_ABSENT, BY_CHANCE = 0.5, 1e-6
FOLDS = 5
MOST_ROWS = 100_000


@dataclass(frozen=True)
class Finding:
    """Why a column may be a consequence of the target. `certain`: near enough for role leakage."""

    column: str
    certain: bool
    why: str


def scan(rows: pd.DataFrame, features: Sequence[Column], *, target: str, task: Task) -> tuple[Finding, ...]:
    """Return what is known of each of `features` that knows the target too well, at most one finding each.

    Certain is a column that

    - is missing in at least 80 % of the rows without a target, and in at most 2 % of those with one: it becomes known
      with the target;
    - stands in for the target: each of its few categories comes with one target value only, in at least 50 rows;
    - alone separates the classes with an AUC of at least 0.995 (the least of all classes, one against the rest), or
      explains the target with an R2 of at least 0.99, in at least 1,000 rows (100 for R2), half of all or more; or does
      so by whether it is missing.

    Suspicious is less of the same: an AUC of 0.98, an R2 of 0.9, missing in half of the rows without a target; and
    what is missing in rows of one class only, where chance would do so once in a million.

    Parameters
    ----------
    rows : typed as the contract says; a sample of 100,000 is enough. Rows without a target belong to it.
    """
    names = [column.name for column in features]
    rows = rows[rows[names].notna().any(axis=1)]  # a line of nothing but commas has no target either
    known = rows[target].notna().to_numpy()
    labels = _labels(rows[target][known], task)
    by_column = [
        next(_findings(rows[column.name], column, known, labels, task=task, target=target), None) for column in features
    ]
    findings = [finding for finding in by_column if finding]
    if len(findings) == len(features) and all(finding.certain for finding in findings):
        findings = [Finding(f.column, False, f.why) for f in findings]
    return tuple(findings)


def check(train: pd.DataFrame, contract: Contract, *, seed: int, made: Sequence[Column] = ()) -> tuple[str, ...]:
    """Return what is suspicious in features that the contract allows to be (DQ024: warn), as one text each.

    Parameters
    ----------
    train : labelled rows, typed; at most 100,000 of them are looked at, drawn by `seed`.
    made : the features that parameters derive, which `train` has too.

    Raises
    ------
    DataError if a feature certainly knows the target too well: too good to be true.
    """
    rows = train if len(train) <= MOST_ROWS else train.sample(MOST_ROWS, random_state=seed)
    columns = (*contract.features, *made)
    findings = [f for f in scan(rows, columns, target=contract.target, task=contract.task) if f.certain]
    severities = {column.name: column.severity.get("DQ024", "fail") for column in columns}
    failing = [finding for finding in findings if severities[finding.column] == "fail"]
    if failing:
        more = f"; and {len(failing) - 1} more columns" if len(failing) > 1 else ""
        is_made = failing[0].column in {column.name for column in made}
        raise DataError(
            "DQ024",
            f"too good to be true: column '{failing[0].column}', {failing[0].why}{more}",
            where=f"{len(rows)} train rows of '{contract.name}'",
            next_step="Leave it out of features, or make it of what is known before the target."
            if is_made
            else "Give it role: leakage if it is known only with the target; "
            "if it is known before, allow it by severity: {DQ024: warn} on the column.",
        )
    return tuple(f"column '{finding.column}' is too good to be true: {finding.why}" for finding in findings)


def _findings(
    values: pd.Series, column: Column, known: Array, labels: Array, *, task: Task, target: str
) -> Iterator[Finding]:
    """Yield what speaks against a column, the strongest first."""
    absent = values.isna().to_numpy()
    n_without = int((~known).sum())
    if n_without >= FEWEST_ABSENT and known.any():
        without, with_ = absent[~known].mean(), absent[known].mean()
        if without >= SUSPICIOUSLY_ABSENT and with_ <= ABSENT_WITH:
            why = f"missing in {without:.0%} of the rows without a target, in {with_:.0%} of those with one"
            yield Finding(column.name, bool(without >= ABSENT_WITHOUT), why)
    present = ~absent[known]
    fewest = FEWEST_FOR_SCORE if task != "regression" else 2 * FEWEST_FOR_COPY
    if not present.all() and len(labels) >= fewest and _enough(labels, task):
        score = score_of(pd.Series(present), labels, Column(name="_", type="boolean", role="feature"), task=task)
        if score >= CERTAIN[task]:
            yield Finding(column.name, True, f"whether it is missing alone gives {_score_name(task)} {score:.4f}")
    labels, missing_labels = labels[present], labels[~present]
    given = values[known][present]
    if _enough(labels, task):
        if column.type in ("category", "boolean") and _is_recoding(given.astype("str").to_numpy(), labels):
            yield Finding(column.name, True, f"each of its values comes with one value of '{target}' only")
        score = score_of(given, labels, column, task=task)
        if score >= SUSPICIOUS[task]:
            certain = score >= CERTAIN[task] and len(labels) >= fewest and 2 * len(labels) >= known.sum()
            yield Finding(column.name, bool(certain), f"alone it gives {_score_name(task)} {score:.4f}")
    if task != "regression" and len(missing_labels) and len(set(missing_labels.tolist())) == 1:
        one = missing_labels[0]
        if (np.concatenate([labels, missing_labels]) == one).mean() ** len(missing_labels) < BY_CHANCE:
            yield Finding(column.name, False, f"missing in rows of one class only ({len(missing_labels)} rows)")


def score_of(values: pd.Series, labels: Array, column: Column, *, task: Task) -> float:
    """Return how well one column alone tells the target: the best R2, or the least AUC of all classes.

    Parameters
    ----------
    values, labels : shape (n,), nothing missing. `labels` are numbers, or the position of each class.

    Notes
    -----
    Numbers are judged by their order (AUC, Spearman) and, against a number, along a line (Pearson). Categories are
    replaced by the mean target of the rows of other folds with the same category.
    """
    if column.type in ("category", "text"):
        codes = pd.factorize(values)[0]
        if task == "regression":
            return _explained(labels, _encoded(codes, labels))
        return min(_auc(rankdata(_encoded(codes, labels == one)), labels == one) for one in _classes(labels))
    numbers = values.astype("int64" if column.type == "timestamp" else "float64").to_numpy().astype(float)
    ranks = rankdata(numbers)
    if task == "regression":
        return max(_correlation(numbers, labels), _correlation(ranks, rankdata(labels))) ** 2
    aucs = [_auc(ranks, labels == one) for one in _classes(labels)]
    return min(max(auc, 1 - auc) for auc in aucs)


def _score_name(task: Task) -> str:
    return "R2" if task == "regression" else "AUC"


def _labels(target: pd.Series, task: Task) -> Array:
    if task == "regression":
        return target.to_numpy(dtype=float)
    return pd.factorize(target.astype("str"), sort=True)[0]


def _enough(labels: Array, task: Task) -> bool:
    if task == "regression":
        return len(labels) >= FEWEST_FOR_COPY and bool(np.ptp(labels) > 0)
    return len(labels) >= FEWEST_FOR_COPY and len(_classes(labels)) > 1


def _classes(labels: Array) -> Array:
    """Return the classes with rows enough to say anything about."""
    classes, counts = np.unique(labels, return_counts=True)
    often: Array = classes[counts >= FEWEST_EACH]
    return often


def _is_recoding(values: Array, labels: Array) -> bool:
    codes, different = pd.factorize(values)
    if len(different) > min(MOST_CODES, len(values) // ROWS_PER_CODE):
        return False
    of_label, classes = pd.factorize(labels)
    n_pairs = len(np.unique(codes * len(classes) + of_label))
    return n_pairs == len(different) and len(classes) > 1


def _encoded(codes: Array, labels: Array) -> Array:
    """Return, for each row, the mean label of the other folds' rows with its code, drawn towards the overall mean."""
    folds, labels = np.arange(len(codes)) % FOLDS, labels.astype(float)
    n_codes = int(codes.max()) + 1
    both = folds * n_codes + codes
    sums = np.bincount(both, labels, minlength=FOLDS * n_codes).reshape(FOLDS, n_codes)
    counts = np.bincount(both, minlength=FOLDS * n_codes).reshape(FOLDS, n_codes)
    elsewhere, n_elsewhere = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts
    means: Array = (elsewhere + labels.mean()) / (n_elsewhere + 1)
    return means[folds, codes]


def _auc(ranks: Array, positive: Array) -> float:
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def _correlation(left: Array, right: Array) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    with np.errstate(all="ignore"):  # numbers near either end of float64 have no variance
        correlation = np.corrcoef(left, right)[0, 1]
    return float(abs(correlation)) if np.isfinite(correlation) else 0.0


def _explained(labels: Array, estimates: Array) -> float:
    with np.errstate(all="ignore"):
        explained = 1 - ((labels - estimates) ** 2).sum() / ((labels - labels.mean()) ** 2).sum()
    return float(explained) if np.isfinite(explained) else 0.0
