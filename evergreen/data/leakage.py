"""Which columns know the target too well: consequences of it, copies of it, and what merely looks suspicious."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column, Task
from evergreen.config.contract.contract import Contract
from evergreen.data.arithmetic import made_of, numbers_of
from evergreen.data.telling import frequent, score_of

Array = np.ndarray[Any, Any]

# A natural measure of a small table can separate its classes: petal length does so for iris. In a large one none does.
FEWEST_FOR_SCORE, FEWEST_FOR_COPY = 1_000, 50
CERTAIN = {"binary": 0.995, "multiclass": 0.995, "regression": 0.99}
SUSPICIOUS = {"binary": 0.98, "multiclass": 0.98, "regression": 0.9}
FAINT = {"binary": 0.965, "multiclass": 0.965, "regression": 0.9}
MOST_CODES, ROWS_PER_CODE = 50, 10
FEWEST_ABSENT, ABSENT_WITHOUT, ABSENT_WITH = 20, 0.8, 0.02
SUSPICIOUSLY_ABSENT, BY_CHANCE = 0.5, 1e-6
# Of the rows that a column is filled in, so many may be of other classes: of all, and of their own share in the table.
MOST_OF_OTHERS, OF_THEIR_SHARE = 0.05, 0.1
MOST_ROWS, MOST_PAIRED = 100_000, 20_000


@dataclass(frozen=True)
class Finding:
    """Why a column may be a consequence of the target.

    `certain`: near enough for role leakage. `faint`: so little that a natural measure of a small table may do so.
    """

    column: str
    certain: bool
    why: str
    faint: bool = False


def scan(rows: pd.DataFrame, features: Sequence[Column], *, target: str, task: Task) -> tuple[Finding, ...]:
    """Return what is known of each of `features` that knows the target too well, at most one finding each.

    Certain is a column that

    - is missing in at least 80 % of the rows without a target, and in at most 2 % of those with one: it becomes known
      with the target;
    - stands in for the target: each of its few categories comes with one target value only, in at least 50 rows;
    - alone separates the classes with an AUC of at least 0.995 (the least of all classes, one against the rest), or
      explains the target with an R2 of at least 0.99, in at least 1,000 rows (100 for R2), half of all or more; or does
      so by whether it is missing;
    - is filled almost only in rows of one class, as the number of a lifeboat is: at most 5 % of these rows are of other
      classes, and at most a tenth of those that there would be by chance, which would do so once in a million;
    - makes the target together with another column, exactly: see `arithmetic.made_of`.

    Suspicious is less of the same: an AUC of 0.965 (in fewer than 1,000 rows 0.98, or the only column with that much),
    an R2 of 0.9, missing in half of the rows without a target; and what is missing in rows of one class only, where
    chance would do so once in a million.

    Parameters
    ----------
    rows : typed as the contract says; a sample of 100,000 is enough. Rows without a target belong to it.

    Notes
    -----
    Of 900 clean tables, 300 of each task, of 60 to 2,500 rows and eight correlated columns, with gaps that go with the
    target, none had a finding.
    """
    names = [column.name for column in features]
    rows = rows[rows[names].notna().any(axis=1)]  # a line of nothing but commas has no target either
    known = rows[target].notna().to_numpy()
    labels = _labels(rows[target][known], task)
    by_column = [
        next(_findings(rows[column.name], column, known, labels, task=task, target=target), None) for column in features
    ]
    findings = [finding for finding in by_column if finding]
    if sum(finding.faint for finding in findings) > 1:
        findings = [finding for finding in findings if not finding.faint]
    findings = _with_pairs(rows, features, findings, target=target, task=task)
    if len(findings) == len(features) and all(finding.certain for finding in findings):
        findings = [Finding(f.column, False, f.why) for f in findings]
    return tuple(findings)


def _with_pairs(
    rows: pd.DataFrame, features: Sequence[Column], findings: Sequence[Finding], *, target: str, task: Task
) -> list[Finding]:
    """Return the findings, and those on columns that make a numeric target together; one each, in the table's order."""
    by_name = {finding.column: finding for finding in findings}
    numeric = [column.name for column in features if column.type in ("number", "integer")]
    if task == "regression" and len(numeric) > 1:
        numbers = numbers_of(rows.iloc[:: 1 + len(rows) // MOST_PAIRED], [*numeric, target])
        for made in made_of({name: numbers[name] for name in numeric}, numbers[target]):
            exactly = "but for rounding" if made.is_rounded else "exactly"
            for name, other in ((made.left, made.right), (made.right, made.left)):
                if name not in by_name or not by_name[name].certain:
                    by_name[name] = Finding(name, True, f"with '{other}' it gives the target {exactly}: {made.text}")
    return [by_name[column.name] for column in features if column.name in by_name]


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
    if task != "regression" and _enough(labels, task) and (of_one := _filled_for_one(present, labels)):
        yield Finding(column.name, True, of_one)
    labels, missing_labels = labels[present], labels[~present]
    given = values[known][present]
    if _enough(labels, task):
        if column.type in ("category", "boolean") and _is_recoding(given.astype("str").to_numpy(), labels):
            yield Finding(column.name, True, f"each of its values comes with one value of '{target}' only")
        score = score_of(given, labels, column, task=task)
        if score >= FAINT[task]:
            certain = score >= CERTAIN[task] and len(labels) >= fewest and 2 * len(labels) >= known.sum()
            faint = score < SUSPICIOUS[task] and len(labels) < FEWEST_FOR_SCORE
            yield Finding(column.name, bool(certain), f"alone it gives {_score_name(task)} {score:.4f}", faint)
    if task != "regression" and len(missing_labels) and len(set(missing_labels.tolist())) == 1:
        one = missing_labels[0]
        if (np.concatenate([labels, missing_labels]) == one).mean() ** len(missing_labels) < BY_CHANCE:
            yield Finding(column.name, False, f"missing in rows of one class only ({len(missing_labels)} rows)")


def _filled_for_one(present: Array, labels: Array) -> str:
    """Return what is to be said of a column that is filled almost only in rows of one class; empty if it is not."""
    n = int(present.sum())
    if not n or present.all():
        return ""
    classes, counts = np.unique(labels[present], return_counts=True)
    one, n_others = classes[counts.argmax()], n - int(counts.max())
    share = float((labels == one).mean())
    few = n_others <= min(MOST_OF_OTHERS, OF_THEIR_SHARE * (1 - share)) * n
    if not few or binom.cdf(n_others, n, 1 - share) >= BY_CHANCE:
        return ""
    return f"filled in {n} rows, {1 - n_others / n:.1%} of one class, which has {share:.1%} of all"


def _score_name(task: Task) -> str:
    return "R2" if task == "regression" else "AUC"


def _labels(target: pd.Series, task: Task) -> Array:
    if task == "regression":
        return target.to_numpy(dtype=float)
    return pd.factorize(target.astype("str"), sort=True)[0]


def _enough(labels: Array, task: Task) -> bool:
    if task == "regression":
        return len(labels) >= FEWEST_FOR_COPY and bool(np.ptp(labels) > 0)
    return len(labels) >= FEWEST_FOR_COPY and len(frequent(labels)) > 1


def _is_recoding(values: Array, labels: Array) -> bool:
    codes, different = pd.factorize(values)
    if len(different) > min(MOST_CODES, len(values) // ROWS_PER_CODE):
        return False
    of_label, classes = pd.factorize(labels)
    n_pairs = len(np.unique(codes * len(classes) + of_label))
    return n_pairs == len(different) and len(classes) > 1
