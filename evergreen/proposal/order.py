"""Whether a table without a time column looks ordered in time all the same."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from evergreen.proposal.inference import snake
from evergreen.proposal.roles import FEWEST_DAYS, NOT_WHEN, WHEN, Draft, days, why_no_time
from evergreen.proposal.sketches import Array
from evergreen.proposal.spellings import parts

CALENDAR = re.compile(r"(^|_)(year|yr|month|quarter|week|period|season|epoch|step|round|yyyymm|jahr|monat|annee)(_|$)")
# Words of columns that together say when, the largest first.
LEVELS = (
    parts.WORDS["year"].pattern, r"(quarter|qtr|quartal|trimestre)", parts.WORDS["month"].pattern,
    r"(week|wk|woche|kw|semaine|semana)", rf"(doy|yday|jday|julian|day_?of_?year|{parts.WORDS['day'].pattern[1:-1]})",
    parts.WORDS["hour"].pattern, parts.WORDS["minute"].pattern,
)  # fmt: skip
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
    signs = signs or _together(drafts, sample)
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
        short = f"of {days(seen)} days only" if days(seen) < FEWEST_DAYS else f"{seen.nulls:,} rows have none"
        return f"'{draft.name}' is a time, but {why_no_time(draft) or short}"
    if seen.told is not None and seen.told.is_date:
        return f"'{draft.name}' looks like a time that is not read"
    is_named = CALENDAR.search(words) or WHEN.search(words)
    if is_named and draft.guess.type in ("integer", "number") and _is_sorted(sample, draft.name):
        return f"rows are sorted by '{draft.name}'"
    return None


def _together(drafts: Mapping[str, Draft], sample: pa.Table) -> list[str]:
    """Return the columns, such as year and week, by which together rows are sorted, as one sign; none if they are not.

    One column of each kind is looked at, and a year must be among them.
    """
    found: list[str] = []
    for words in LEVELS:
        whole = re.compile(rf"(.+_)?{words}")
        fit = [d for d in drafts.values() if d.role != "target" and whole.fullmatch(snake(d.name).strip("_"))]
        fit = [d for d in fit if d.seen.numbers == d.seen.present == d.seen.whole and d.name in sample.column_names]
        if not found and len(fit) != 1:
            return []
        found += [draft.name for draft in fit if len(fit) == 1]
    if len(found) < 2 or not _rises(_ranks(sample, found)):
        return []
    return [f"rows are sorted by {' and '.join(map(repr, found))}"]


def _ranks(sample: pa.Table, names: Sequence[str]) -> Array:
    """Return a number for each row that is larger where the first of its columns is, and then the next."""
    columns = [pd.to_numeric(sample[name].slice(0, LOOKED_AT).to_pandas(), errors="coerce") for name in names]
    rows = pd.concat(columns, axis=1).dropna()
    ranks: Array = rows.groupby(list(rows.columns)).ngroup().to_numpy(float)
    return ranks


def _is_sorted(sample: pa.Table, name: str) -> bool:
    return _rises(pd.to_numeric(sample[name].slice(0, LOOKED_AT).to_pandas(), errors="coerce").dropna().to_numpy(float))


def _rises(values: Array) -> bool:
    """Return whether numbers only go up, or only down, but for a few."""
    steps = np.diff(values)
    if len(np.unique(values)) < FEWEST_DIFFERENT:
        return False
    return max(float((steps >= 0).mean()), float((steps <= 0).mean())) >= MOSTLY
