"""From which sureness on answers are automatic: as many as are shown, on unseen rows, to keep the promised error.

Rows are taken in from the surest on. Of each part of them it is tested whether more than the promised share is wrong,
at an exact bound, and the first that cannot be shown to keep the promise ends it: so a whole sequence of tests makes no
more errors than one (fixed sequence testing, as in Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then test:
calibrating predictive algorithms to achieve risk control", 2021). The surest rows are few, and a sequence that ends
with them says nothing: so several begin, each with its part of the error.
"""

import numpy as np
import numpy.typing as npt

from evergreen.base.values import Value
from evergreen.decisions.drift.harm.promise import upper_end
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

Array = npt.NDArray[np.float64]
PARTS = 20  # of the rows, from the surest on, that are tested
BEGINS = (0, 4, 8, 12, 16)  # the parts that a sequence begins with; each has its share of the error
LEAST_CLUSTERS = 15  # below, a bound by days that hang together was wrong in up to 5 % of campaigns
SHARPEST = 1e-6  # of a threshold that lies between two rows: rounding moves no row over it


class Sure(Value):
    """The threshold of a model, and what it was chosen on.

    `least`: from which sureness on an answer is automatic; None where no part of the rows was shown to keep the
    promise. `share`: of the `n` rows, what is automatic. `wrong`: the share of those that is wrong, and `at_most` its
    upper end, at a level at which all tests together have the promised confidence; None without a threshold.
    `n_clusters`: of `unit`, which hang together.
    """

    least: float | None
    error: float
    confidence: float
    n: int
    n_clusters: int
    unit: str
    share: float = 0.0
    wrong: float | None = None
    at_most: float | None = None
    evidence: str = ""


def sureness(estimates: Estimates, threshold: float) -> Array:
    """Return, of each row, the probability with which the model takes the answer that it gives for right, shape (n,).

    Raises
    ------
    ValueError for numbers, of which nothing says how sure they are.
    """
    if estimates.task == "regression":
        raise ValueError("nothing says how sure a number is")
    answers = estimates.answers(threshold)
    likely: Array = np.asarray(answers["probability"], dtype=np.float64)
    return likely if estimates.task == "multiclass" else np.where(answers["label"], likely, 1 - likely)


def choose(sure: Array, wrong: npt.NDArray[np.bool_], clusters: Clusters, *, error: float, confidence: float) -> Sure:
    """Return from which sureness on the error among automatic answers is at most `error`, with `confidence`.

    Parameters
    ----------
    sure : shape (n,), the sureness of the answers to rows that the model has not seen; `wrong`: whether each was.
    clusters : which of these rows belong together.
    error, confidence : what is promised, each in (0, 1).

    Notes
    -----
    The bound of a part is that of Clopper and Pearson for as many independent rows as have its clustered standard error
    (`promise.upper_end`). Of 200 campaigns each, the error of new rows was above the promised 10 % in at most 1 where
    rows are independent, in 1 where they are of groups that share an error (a standard deviation of 0.7 in log odds),
    and in 5 where they are of days that follow each other (0.8, correlated by a half); 5 % would be 10. It is measured
    again in `tests/evergreen/decisions/automation/test_thresholds.py`.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> sure = rng.uniform(0.5, 1, 4_000)
    >>> wrong = rng.random(4_000) > sure
    >>> found = choose(sure, wrong, Clusters("row", np.arange(4_000)), error=0.1, confidence=0.95)
    >>> round(found.least, 2), round(found.share, 2), round(found.wrong, 3), round(found.at_most, 3)
    (0.85, 0.3, 0.077, 0.097)
    """
    known = np.isfinite(sure)
    sure, wrong, clusters = sure[known], wrong[known], clusters.of(known)
    said = {"error": error, "confidence": confidence, "n": len(sure), "n_clusters": clusters.n, "unit": clusters.unit}
    least = _cuts(sure)
    alpha = (1 - confidence) / len(BEGINS)
    bounds = [_upper(wrong, sure >= cut, clusters, alpha) for cut in least]
    kept = -1
    for begin in BEGINS if clusters.n >= LEAST_CLUSTERS else ():
        at = begin
        while at < len(bounds) and bounds[at] <= error:
            kept, at = max(kept, at), at + 1
    on = f"{len(sure):,} rows of {clusters.n:,} {clusters.unit}s"
    if kept < 0:
        why = f"no part of {on} was shown to have an error of at most {error:g}"
        if clusters.n < LEAST_CLUSTERS:
            why += f"; at least {LEAST_CLUSTERS} {clusters.unit}s are needed"
        elif bounds:
            why += f"; the lowest bound of a part of them is {min(bounds):.4f}"
        return Sure(least=None, evidence=why, **said)
    taken = sure >= least[kept]
    below = sure[~taken]
    between = (float(sure[taken].min()) + float(below.max())) / 2 if len(below) else float(sure.min()) - SHARPEST
    share, mistaken = float(taken.mean()), float(wrong[taken].mean())
    evidence = (
        f"{share:.1%} of {on} are automatic from a sureness of {between:.4f} on; {mistaken:.4f} of them are wrong, at "
        f"most {bounds[kept]:.4f} with {confidence:.1%} confidence over all {len(least)} parts that were tested"
    )
    return Sure(least=between, share=share, wrong=mistaken, at_most=bounds[kept], evidence=evidence, **said)


def nothing(why: str, *, error: float, confidence: float) -> Sure:
    """Return that no answer is automatic, where there are no rows to choose a threshold on."""
    return Sure(least=None, error=error, confidence=confidence, n=0, n_clusters=0, unit="row", evidence=why)


def _cuts(sure: Array) -> Array:
    """Return the sureness that each part of the rows goes down to; rows of one sureness are all in or all out."""
    if not len(sure):
        return np.empty(0)
    ordered = np.sort(sure)[::-1]
    last = np.ceil(np.arange(1, PARTS + 1) * len(sure) / PARTS).astype(int) - 1
    cuts: Array = ordered[np.maximum(last, 0)]
    return cuts


def _upper(wrong: npt.NDArray[np.bool_], taken: npt.NDArray[np.bool_], clusters: Clusters, alpha: float) -> float:
    return upper_end(wrong[taken].astype(np.float64), clusters.of(taken), alpha=alpha)
