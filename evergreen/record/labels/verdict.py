"""What may be believed of labels that came so far."""

from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from evergreen.base.values import Value

Verdict = Literal["complete", "immature", "none", "unknown", "no traffic"]
FEWEST, NEARLY_ALL, ALPHA = 50, 0.995, 1e-6


class Labels(Value):
    """How far the predictions of a period are labelled, as of a time.

    `verdict`: "complete" once the `watermark` has reached the end of the period; before, "immature", or "none" where
    not one label is known, and metrics decide nothing; "unknown" where the labels cannot be believed, "no traffic"
    where there is no prediction. `evidence` says it with the figures.

    `n`: predictions; `n_due`: those whose label is due, the delay after their event; `n_labelled`: those with a label
    that was known. `coverage`: the labelled share of those that are due, of which `needed` is asked; None where none
    is due. `watermark`: the latest time so that of the predictions with an event before it, all due, the share that is
    needed is labelled.

    Of labels about these predictions: `repeated`, said again; `contradicting`, predictions of which different things
    were said; `late`, predictions whose label was known only after the delay; `future_known`, labels that were said to
    be known after they were received; `early`, predictions whose label was known before their event. `n_unknown_ids`:
    ids that labels name and the log does not hold, of any period. `repeated_predictions`: logged again under one id,
    and counted once. `n_equal`: labels that equal what was predicted. `tasks`: of the predictions.
    """

    verdict: Verdict
    evidence: str
    as_of: datetime
    start: datetime | None
    end: datetime
    n: int = 0
    n_due: int = 0
    n_labelled: int = 0
    coverage: float | None = None
    needed: float
    watermark: datetime | None = None
    repeated: int = 0
    contradicting: int = 0
    late: int = 0
    future_known: int = 0
    early: int = 0
    n_unknown_ids: int = 0
    repeated_predictions: int = 0
    n_equal: int = 0
    tasks: tuple[str, ...] = ()


def judged(labels: Labels, *, delay: timedelta, error_at_gate: float | None) -> Labels:
    """Return counted labels with the verdict on them.

    Parameters
    ----------
    delay : how long after its event a label is due.
    error_at_gate : as `fed_back` takes it.
    """
    n, n_labelled = labels.n, labels.n_labelled
    due = f"the last of them is due on {labels.end + delay:%Y-%m-%d %H:%M %Z}"
    verdict: Verdict = "immature"
    if len(labels.tasks) > 1:
        verdict, evidence = "unknown", f"predictions of several tasks ({', '.join(labels.tasks)}): name a version"
    elif not n:
        verdict, evidence = "no traffic", "no prediction of the period was received by then"
    elif fed_back(n_labelled, labels.n_equal, error_at_gate):
        verdict = "unknown"
        evidence = (
            f"{labels.n_equal:,} of {n_labelled:,} labels equal what was predicted, where the gate's error was "
            f"{error_at_gate:.2%}: they look like predictions that were fed back"
        )
    elif not n_labelled:
        verdict, evidence = "none", f"not one of {n:,} predictions has a label; {due}"
    elif labels.coverage is None:
        evidence = f"{n_labelled:,} of {n:,} predictions are labelled, and no label is due yet; {due}"
    else:
        evidence = f"{labels.coverage:.1%} of {labels.n_due:,} due labels are known, {labels.needed:.1%} needed"
        if labels.watermark == labels.end:
            verdict = "complete"
        else:
            reached = "no time" if labels.watermark is None else f"{labels.watermark:%Y-%m-%d %H:%M %Z}"
            evidence += f"; of {n:,} predictions {n_labelled:,} are labelled, enough of them up to {reached}; {due}"
    return labels.model_copy(update={"verdict": verdict, "evidence": evidence})


def watermark(
    events: npt.NDArray[np.int64], labelled: npt.NDArray[np.bool_], *, until: int, needed: float
) -> int | None:
    """Return the latest time, `until` at most, before which the share that is needed is labelled; None for no time.

    Parameters
    ----------
    events : shape (n,), ascending, in the unit of `until`.
    labelled : shape (n,).
    needed : share of those with an event before the watermark, in (0, 1].

    Examples
    --------
    >>> watermark(np.array([1, 2, 3, 4]), np.array([True, True, False, True]), until=9, needed=0.75)
    9
    >>> watermark(np.array([1, 2, 3, 4]), np.array([True, True, False, False]), until=9, needed=0.75)
    3
    """
    n = int(np.searchsorted(events, until))
    if not n:
        return None
    shares = np.cumsum(labelled[:n]) / np.arange(1, n + 1)
    after = np.append(events[1:n], until)  # the first time that is after each row and those before it
    reached = np.flatnonzero((shares >= needed) & (after > events[:n]))
    return int(after[reached[-1]]) if len(reached) else None


def fed_back(n: int, n_equal: int, error_at_gate: float | None) -> bool:
    """Return whether labels look like the predictions themselves, fed back.

    That is where of at least 50 labels 99.5 % or more equal what was predicted, although by the gate's error fewer
    would: under a binomial law with that error, so many or more have a probability of at most 1e-6. A model that is
    always right cannot be told from its own echo: with an error of 1 % it takes some 1,400 labels, all equal.

    Parameters
    ----------
    n_equal : how many of n labels equal the predicted class, or value.
    error_at_gate : the share of rows whose prediction was not the label then, in [0, 1]; None where nobody measured
        it, and nothing is said.

    Examples
    --------
    >>> fed_back(100, 100, 0.2), fed_back(100, 100, 0.05), fed_back(5_000, 4_400, 0.2)
    (True, False, False)
    """
    if error_at_gate is None or n < FEWEST or n_equal < NEARLY_ALL * n:
        return False
    return bool(stats.binom.sf(n_equal - 1, n, 1 - error_at_gate) <= ALPHA)
