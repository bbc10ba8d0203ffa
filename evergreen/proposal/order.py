"""Whether a table without a time column looks ordered in time all the same."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from evergreen.proposal.inference import snake
from evergreen.proposal.roles import NOT_WHEN, WHEN, Draft, days, why_no_time

CALENDAR = re.compile(r"(^|_)(year|yr|month|quarter|week|period|season|epoch|step|round|yyyymm|jahr|monat|annee)(_|$)")
LOOKED_AT = 20_000
FEWEST_DIFFERENT = 5
MOSTLY = 0.99


def notes(drafts: Mapping[str, Draft], sample: pa.Table) -> list[str]:
    """Return why the rows of a table seem to be a series in time, which are about to be split at random.

    Parameters
    ----------
    sample : rows drawn evenly, in the order of the source.
    """
    signs = [sign for draft in drafts.values() if draft.role != "target" and (sign := _sign(draft, sample))]
    if not signs:
        return []
    return [
        f"the table may be ordered in time ({'; '.join(signs)}), and its rows will be split at random: a model is then "
        "judged on days from between those that it learnt from. If rows to predict come later than those of the "
        "table, give one column role: time and params features.test_days instead of test_share"
    ]


def _sign(draft: Draft, sample: pa.Table) -> str | None:
    """Return what a column has of a time."""
    seen, words = draft.seen, snake(draft.name)
    if NOT_WHEN.search(words):
        return None
    if draft.guess.type == "timestamp":
        return f"'{draft.name}' is a time, but {why_no_time(draft) or f'of {days(seen)} days only'}"
    if seen.told is not None and seen.told.is_date:
        return f"'{draft.name}' looks like a time that is not read"
    is_named = CALENDAR.search(words) or WHEN.search(words)
    if is_named and draft.guess.type in ("integer", "number") and _is_sorted(sample, draft.name):
        return f"rows are sorted by '{draft.name}'"
    return None


def _is_sorted(sample: pa.Table, name: str) -> bool:
    values = pd.to_numeric(sample[name].slice(0, LOOKED_AT).to_pandas(), errors="coerce").dropna().to_numpy(float)
    steps = np.diff(values)
    if len(np.unique(values)) < FEWEST_DIFFERENT:
        return False
    return max(float((steps >= 0).mean()), float((steps <= 0).mean())) >= MOSTLY
