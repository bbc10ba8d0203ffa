"""Whether automatic answers keep what is promised of them, told by day as people answer what chance has referred."""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from evergreen.decisions.automation.degrees import Decider
from evergreen.decisions.drift.harm.days import Day, days_of
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.harm.watch import watch as watch_promise


def judged_days(by: Sequence[Decider], wrong: npt.ArrayLike, days: Sequence[date], *, needed: float) -> tuple[Day, ...]:
    """Return the losses of days on which it is known how many of the sure answers were wrong.

    Those are the days of whose audit so many labels are there, and then its rows speak for all sure ones; or, where
    labels come of themselves, of all sure answers, and then all of these count. What a person was asked because the
    model was not sure says nothing of the sure answers.

    Parameters
    ----------
    by : who decides each row, shape (n,).
    wrong : shape (n,): 1 where the model's answer is not the label, 0 where it is, NaN where no label is known.
    days : of each row's event, in local time.
    needed : the share of a day's labels that have to be there, in (0, 1].

    Examples
    --------
    >>> first = date(2026, 1, 1)
    >>> rows = ["automatic"] * 8 + ["audit"] * 2 + ["unsure"]
    >>> judged_days(rows, [np.nan] * 8 + [1, 0, 1], [first] * 11, needed=0.9)
    (Day(day=datetime.date(2026, 1, 1), n=2, loss=1.0),)
    """
    who, lost = np.asarray(by, dtype=object), np.asarray(wrong, dtype=np.float64)
    at = np.asarray(days, dtype="datetime64[D]")
    taken = np.zeros(len(who), dtype=np.bool_)
    for rows in (who == "audit", np.isin(who, ("automatic", "audit"))):  # all of them, where enough of all are there
        known = rows & np.isfinite(lost)
        there, codes = np.unique(at, return_inverse=True)
        n, n_known = (np.bincount(codes, weights=which, minlength=len(there)) for which in (rows, known))
        is_enough = (n > 0) & (n_known >= needed * n)
        taken |= known & is_enough[codes] if len(there) else known
    return days_of(at[taken].tolist(), lost[taken]) if taken.any() else ()


def promise_of(error: float) -> Promise:
    """Return what the contract promises of automatic answers, as the harm monitor watches it."""
    said = f"the contract promises that at most {error:g} of the automatic answers are wrong"
    return Promise(loss="error", at_gate=None, at_most=error, tolerance=0.0, evidence=said)


def watch(days: Iterable[Day], *, error: float, alpha: float) -> Harm:
    """Return whether at most `error` of the automatic answers were wrong; the test is that of the gate's promise."""
    return watch_promise(days, promise_of(error), alpha=alpha)
