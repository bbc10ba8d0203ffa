"""How far the rows of a period are labelled, counted on the rows themselves."""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.record.labels.verdict import Labels, judged, watermark

EPOCH = pd.Timestamp(0, tz="UTC")
MICROSECOND = timedelta(microseconds=1)


def counted(
    events: pd.Series,
    labelled: npt.NDArray[np.bool_],
    equal: npt.NDArray[np.bool_],
    *,
    as_of: datetime,
    delay: timedelta,
    start: datetime,
    end: datetime,
    needed: float,
    error_at_gate: float | None,
    said: Labels | None = None,
) -> Labels:
    """Return how far rows are labelled, of those with an event in [start, end) that are due at `as_of`.

    Parameters
    ----------
    events : shape (n,), instants, in any order.
    labelled : shape (n,): whether the label was known at `as_of`.
    equal : shape (n,): whether it is what was predicted.
    delay, needed, error_at_gate : as `judged` and `Labels` say.
    said : what is known of how the labels came, which is kept.
    """
    end = max(start, min(end, as_of - delay))
    inside = ((events >= start) & (events < end)).to_numpy()
    at = np.asarray((events[inside] - EPOCH) // MICROSECOND, dtype=np.int64)
    order = np.argsort(at, kind="stable")
    times, known = at[order], labelled[inside][order]
    until = (end - EPOCH.to_pydatetime()) // MICROSECOND
    reached = watermark(times, known, until=until, needed=needed)
    about = said or Labels(verdict="unknown", evidence="", as_of=as_of, start=start, end=end, needed=needed)
    update = {
        "start": start,
        "end": end,
        "needed": needed,
        "n": len(times),
        "n_due": len(times),
        "n_labelled": int(known.sum()),
        "coverage": float(known.mean()) if len(times) else None,
        "watermark": None if reached is None else EPOCH.to_pydatetime() + reached * MICROSECOND,
        "n_equal": int((equal & labelled)[inside].sum()),
    }
    return judged(about.model_copy(update=update), delay=delay, error_at_gate=error_at_gate)
