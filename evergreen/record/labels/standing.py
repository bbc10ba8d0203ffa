"""Which of all that was said about a subject counts: what was known last."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Times = npt.NDArray[np.int64]
Places = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Standing:
    """What counts of each of n subjects; times are microseconds since 1970 in UTC.

    `values`: of what was known last; among those the one received last, and then the one whose name comes last.
    `first`: when the same was known first. `last`, `received`, `names`: of the one that counts. `other`: when something
    else was known last, NEVER if it never was. `n_said`, `n_values`: how often something was said, and how many
    different things. `n_ahead`: how often it was said to be known after it was received. `propensity`: the one that
    came last, nan if none did.
    """

    subjects: pa.Array
    values: pa.Array
    first: Times
    last: Times
    received: Times
    names: pa.Array
    other: Times
    n_said: Times
    n_values: Times
    n_ahead: Times
    propensity: npt.NDArray[np.float64]

    def places(self, names: pa.Array) -> Places:
        """Return the place of each name among the subjects, -1 of one about which nothing was said."""
        if not len(self.subjects):
            return np.full(len(names), -1)
        found = pc.index_in(names, options=pc.SetLookupOptions(self.subjects, skip_nulls=True))
        places: Places = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return places


def standing(said: pa.Table) -> Standing:
    """Return what counts of what was said.

    Parameters
    ----------
    said : columns subject, name (texts), value, known, received (int64), is_ahead (bool) and propensity (float64).
    """
    subjects = said.column("subject").combine_chunks().dictionary_encode()
    values = said.column("value").combine_chunks().dictionary_encode()
    coded = pa.table(
        {
            "subject": subjects.indices,
            **{name: said.column(name) for name in ("known", "received", "name")},
            "row": np.arange(said.num_rows),
        }
    )
    keys = [(name, "ascending") for name in ("subject", "known", "received", "name")]
    order = pc.sort_indices(coded, sort_keys=keys).to_numpy()
    codes, spoken = _ints(subjects.indices)[order], _ints(values.indices)[order]
    known, received = (_ints(said.column(name))[order] for name in ("known", "received"))
    n = len(subjects.dictionary)
    ends = np.cumsum(np.bincount(codes, minlength=n)) - 1
    pairs, firsts = np.unique(codes * max(len(values.dictionary), 1) + spoken, return_index=True)
    counts = spoken[ends]
    is_other = spoken != counts[codes]
    other = np.full(n, NEVER)
    other[codes[is_other]] = known[is_other]  # in order of time, so that the last stays
    propensity = np.full(n, np.nan)
    came = said.column("propensity").to_numpy()[order]
    has = ~np.isnan(came)
    propensity[codes[has]] = came[has]
    chosen = np.searchsorted(pairs, np.arange(n) * max(len(values.dictionary), 1) + counts)
    return Standing(
        subjects=subjects.dictionary,
        values=values.dictionary.take(pa.array(counts)),
        first=known[firsts[chosen]],
        last=known[ends],
        received=received[ends],
        names=said.column("name").combine_chunks().take(pa.array(order[ends])),
        other=other,
        n_said=np.bincount(codes, minlength=n),
        n_values=np.bincount(codes[firsts], minlength=n),
        n_ahead=np.bincount(codes, weights=said.column("is_ahead").to_numpy()[order], minlength=n).astype(np.int64),
        propensity=propensity,
    )


def _ints(values: Any) -> npt.NDArray[np.int64]:
    ints: npt.NDArray[np.int64] = values.to_numpy().astype(np.int64)
    return ints
