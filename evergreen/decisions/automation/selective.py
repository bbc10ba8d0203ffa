"""The error among automatic answers, of which few are ever looked at: by those that were referred at random.

People look at what the model was not sure of, so a mean over what they looked at is one over the hard rows. What chance
has referred of the sure ones speaks for all of these.
"""

import numpy as np

from evergreen.base.values import Value
from evergreen.decisions.automation.decided import Decided
from evergreen.decisions.automation.degrees import Decider
from evergreen.decisions.drift.audit import Audited, estimate

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


def judge(seen: Decided, *, confidence: float) -> Selective:
    """Return what the labels of rows say that were answered at the degree `partial`.

    The label of an automatic row is not looked at, even if it came by itself: who sends it may do so because of it.

    Parameters
    ----------
    confidence : of the two-sided intervals, in (0, 1).
    """
    who = np.asarray(seen.by, dtype=object)
    is_audited, is_unsure = who == "audit", who == "unsure"
    audited = np.where(is_audited, seen.shares, np.nan)
    sure = np.isin(who, SURE)
    looked_at = seen.wrong[(is_audited | is_unsure) & np.isfinite(seen.wrong)]
    among = seen.those(sure)
    return Selective(
        n_rows=len(who),
        n_automatic=int((who == "automatic").sum()),
        referred=float(is_unsure.mean()) if len(who) else 0.0,
        n_plain=len(looked_at),
        plain=float(looked_at.mean()) if len(looked_at) else None,
        automatic=estimate(among.wrong, audited[sure], among.days, confidence=confidence),
        everything=estimate(seen.wrong, np.where(is_unsure, 1.0, audited), seen.days, confidence=confidence),
    )
