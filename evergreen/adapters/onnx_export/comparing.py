"""Rows on which a graph is compared with its pipeline: of the training, and odd ones."""

import numpy as np
import pandas as pd

ODD_ROWS, ODD_SHARE = 500, 0.1  # of their columns so many are missing, and as many hold an unseen category


def rows_to_compare(rows: pd.DataFrame, seed: int, *, at_least: int, at_most: int) -> pd.DataFrame:
    """Return at most `at_most` of some rows, others whose columns are drawn from these where they are fewer than
    `at_least`, and 500 odd ones, of the same types: with missing values and unseen categories.

    Integers and truth values of numpy, none of which can be missing, become pandas' own.
    """
    kinds = {"i": "Int64", "u": "UInt64", "b": "boolean"}
    rows = rows.astype({name: kinds[kind.kind] for name, kind in rows.dtypes.items() if kind.kind in kinds})
    rng = np.random.default_rng(seed)
    parts = [rows.iloc[np.sort(rng.choice(len(rows), min(len(rows), at_most), replace=False))]]
    if (lacking := at_least - len(rows)) > 0:
        drawn = {name: rows[name].iloc[rng.integers(0, len(rows), lacking)].to_numpy() for name in rows}
        parts.append(pd.DataFrame(drawn).astype(rows.dtypes))
    odd = rows.iloc[rng.integers(0, len(rows), ODD_ROWS)].reset_index(drop=True)
    for name in odd:
        drawn_to_be = rng.random(ODD_ROWS)
        drawn_to_be[:2] = 0, ODD_SHARE  # in the first two rows every column is
        is_text = isinstance(rows[name].dtype, pd.StringDtype)
        changed = odd[name].mask(drawn_to_be < ODD_SHARE)
        unseen = (drawn_to_be >= ODD_SHARE) & (drawn_to_be < 2 * ODD_SHARE)
        odd[name] = changed.mask(unseen, "never seen") if is_text else changed.mask(unseen)
    parts.append(odd.astype(rows.dtypes))
    return pd.concat(parts, ignore_index=True)
