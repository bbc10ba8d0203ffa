"""The error among automatic answers, of which few are ever looked at: by those that were referred at random.

People look at what the model was not sure of, so a mean over what they looked at is one over the hard rows. What chance
has referred of the sure ones speaks for all of these.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from evergreen.base.values import Value
from evergreen.decisions.automation.degrees import Decider
from evergreen.decisions.drift.audit import Audited, estimate

Array = npt.NDArray[np.float64]
SURE: tuple[Decider, ...] = ("automatic", "audit")


class Selective(Value):
    """What is known of answers that a person saw only in part.

    `n_rows`: answered at the degree `partial`; `n_automatic`: those that nobody decided but the model; `referred`: the
    share that was not sure enough. `plain`: the error over all rows that people looked at, of `n_plain`, which says
    little of the others; None without any. `automatic`: the error among automatic answers, by the audit. `everything`:
    what it would be if the model answered every row.
    """

    n_rows: int
    n_automatic: int
    referred: float
    n_plain: int
    plain: float | None
    automatic: Audited
    everything: Audited


def judge(
    by: Sequence[Decider], wrong: npt.ArrayLike, shares: npt.ArrayLike, days: Sequence[date], *, confidence: float
) -> Selective:
    """Return what the labels of rows say that were answered at the degree `partial`.

    Parameters
    ----------
    by : who decides each row, shape (n,).
    wrong : shape (n,): 1 where the model's answer is not the label, 0 where it is, NaN where no label is known. That of
        an automatic row is not looked at, even if it came by itself: who sends it may do so because of it.
    shares : shape (n,): with which probability a row of the audit was referred; of other rows it is not looked at.
    days : of each row's event, in local time.
    confidence : of the two-sided intervals, in (0, 1).
    """
    who, lost = np.asarray(by, dtype=object), np.asarray(wrong, dtype=np.float64)
    is_audited, is_unsure = who == "audit", who == "unsure"
    audited = np.where(is_audited, np.asarray(shares, dtype=np.float64), np.nan)
    sure = np.isin(who, SURE)
    seen = lost[(is_audited | is_unsure) & np.isfinite(lost)]
    local = list(days)
    return Selective(
        n_rows=len(who),
        n_automatic=int((who == "automatic").sum()),
        referred=float(is_unsure.mean()) if len(who) else 0.0,
        n_plain=len(seen),
        plain=float(seen.mean()) if len(seen) else None,
        automatic=estimate(
            lost[sure], audited[sure], [day for day, is_in in zip(local, sure, strict=True) if is_in],
            confidence=confidence,
        ),
        everything=estimate(lost, np.where(is_unsure, 1.0, audited), local, confidence=confidence),
    )  # fmt: skip
