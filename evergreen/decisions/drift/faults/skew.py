"""Whether what was served is what training sees: the same rows, value by value."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from scipy import stats

from evergreen.base.values import Value
from evergreen.decisions.drift.faults.pairs import Compared, compare, pair

SkewVerdict = Literal["skew", "none", "not enough data", "unknown"]
SHARE, HANDFUL = 0.01, 5  # of pairs that differ: a skew from this share on, and not from fewer rows
CONFIDENCE = 0.95


class ColumnSkew(Value):
    """How many pairs of one column differ.

    `share`: in [0, 1]; `upper`: its one-sided upper limit by Clopper and Pearson. None where the verdict is "unknown".
    """

    name: str
    verdict: SkewVerdict
    evidence: str
    n_differing: int | None = None
    share: float | None = None
    upper: float | None = None


class Skew(Value):
    """What `n_pairs` rows say; columns by the share that differs, the largest first."""

    verdict: SkewVerdict
    evidence: str
    n_pairs: int
    columns: tuple[ColumnSkew, ...] = ()

    def named(self, verdict: SkewVerdict) -> tuple[str, ...]:
        """Return the names of the columns with one verdict."""
        return tuple(column.name for column in self.columns if column.verdict == verdict)


def decide(
    served: pa.Table, source: pa.Table, *, keys: Sequence[str], columns: Sequence[str], tolerance: float = 1e-6
) -> Skew:
    """Return whether values as they were served differ from those that training reads for the same keys.

    Parameters
    ----------
    served, source : with the keys and columns; estimates may be among them, as logged and as the model makes them of
        the source's row.
    keys : what names a row in both.
    columns : that are compared.
    tolerance : by which numbers may differ, as a part of the larger; 1e-6 leaves room for single precision.

    Returns
    -------
    Skew. A column is "skew" when at least 1 % of its pairs, and at least 5, differ; "not enough data" when at most 5
    do and the upper limit at 95 % is 1 % or more (without a difference, below 299 pairs); "unknown" when it is absent
    or cannot be compared; else "none". The verdict of all is that of the worst; "not enough data" without pairs.
    """
    lacking = [key for key in keys if key not in served.column_names or key not in source.column_names]
    if lacking or not keys:
        return Skew(
            verdict="unknown", evidence=f"no key to pair rows by: {', '.join(lacking) or 'none given'}", n_pairs=0
        )
    try:
        pairs = pair(served, source, keys)
    except pa.ArrowException as error:
        return Skew(verdict="unknown", evidence=f"the keys cannot be compared: {error}", n_pairs=0)
    n = pairs.served.num_rows
    twice = f"; {pairs.ambiguous:,} keys are in the source more than once" if pairs.ambiguous else ""
    if not n:
        rows = f"{served.num_rows:,} served rows and {source.num_rows:,} of the source"
        return Skew(verdict="not enough data", evidence=f"no key is in both {rows}{twice}", n_pairs=0)
    judged = [_column(name, pairs.served, pairs.source, tolerance) for name in columns]
    judged.sort(key=lambda column: -(column.share or 0.0))
    found = {column.verdict for column in judged}
    verdict: SkewVerdict = next((each for each in _WORST if each in found), "unknown")
    return Skew(verdict=verdict, evidence=_evidence(verdict, judged, n) + twice, n_pairs=n, columns=tuple(judged))


_WORST: tuple[SkewVerdict, ...] = ("skew", "unknown", "not enough data", "none")


def _column(name: str, served: pa.Table, source: pa.Table, tolerance: float) -> ColumnSkew:
    absent = [side for side, table in (("log", served), ("source", source)) if name not in table.column_names]
    if absent:
        return ColumnSkew(name=name, verdict="unknown", evidence=f"absent from the {' and the '.join(absent)}")
    try:
        compared = compare(served[name], source[name], tolerance=tolerance)
    except pa.ArrowException as error:
        return ColumnSkew(name=name, verdict="unknown", evidence=f"cannot be compared: {error}")
    n, k = len(compared.differ), int(compared.differ.sum())
    share, upper = k / n, float(stats.beta.ppf(CONFIDENCE, k + 1, n - k)) if k < n else 1.0
    verdict: SkewVerdict = "none"
    if share >= SHARE and k >= HANDFUL:
        verdict = "skew"
    elif upper >= SHARE and k <= HANDFUL:
        verdict = "not enough data"
    return ColumnSkew(
        name=name,
        verdict=verdict,
        evidence=f"{k:,} of {n:,} pairs differ ({share:.2%}, at most {upper:.2%}){_how(compared) if k else ''}; "
        f"limit {SHARE:.0%} and {HANDFUL} pairs",
        n_differing=k,
        share=share,
        upper=upper,
    )


def _how(compared: Compared) -> str:
    said = []
    if compared.one_missing.any():
        said.append(f"{int(compared.one_missing.sum()):,} are missing on one side only")
    if compared.numbers is not None:
        served, source = (side[compared.differ & ~compared.one_missing] for side in compared.numbers)
        usable = np.isfinite(served) & np.isfinite(source) & (source != 0)
        if usable.any():
            said.append(
                f"where they differ, served is {np.median(served[usable] / source[usable]):.4g} times the source's"
            )
    return "".join(f", {part}" for part in said)


def _evidence(verdict: SkewVerdict, judged: Sequence[ColumnSkew], n: int) -> str:
    if verdict == "none":
        return f"none of {len(judged)} columns differs in 1 % of {n:,} pairs"
    if not judged:
        return "no columns to compare"
    return "; ".join(f"{column.name}: {column.evidence}" for column in judged if column.verdict == verdict)
