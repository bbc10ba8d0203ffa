"""Whether the variants got the shares they were to get, at any look: a test that holds however often it is read.

The posterior odds of a Dirichlet prior against the shares that were planned (Lindon and Malek, "Anytime-valid inference
for multinomial count data", NeurIPS 2022, equation 6); the prior is centred on those shares. One over the odds is a
p-value at every look together. What it finds is no difference of the variants: it is a fault of the routing, of the log
or of who was counted, and no result may be read before it is explained.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln

from evergreen.base.values import Value

ALPHA = 0.001  # below: a fault, not chance; an experiment is not stopped for one in twenty
PRIOR = 100.0  # the weight of the prior, in units: shares that are off by a few percent show soonest


class SampleRatio(Value):
    """Counts `of` something beside the shares they were to have; `p_value` holds at all looks together."""

    of: str
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float

    @property
    def is_off(self) -> bool:
        return self.p_value < ALPHA


def sample_ratio(counts: Sequence[int], shares: Sequence[float], *, of: str = "units") -> SampleRatio:
    """Return whether counts of units have the shares they were to have.

    Parameters
    ----------
    shares : above 0, which add up to 1.

    Examples
    --------
    >>> sample_ratio([5_030, 4_970], [0.5, 0.5]).is_off, sample_ratio([5_300, 4_700], [0.5, 0.5]).is_off
    (False, True)
    """
    seen, planned = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    prior = PRIOR * planned
    odds = (
        gammaln(prior.sum())
        - gammaln(prior.sum() + seen.sum())
        + (gammaln(prior + seen) - gammaln(prior)).sum()
        - (seen * np.log(planned)).sum()
    )
    return SampleRatio(
        of=of,
        counts=tuple(int(count) for count in counts),
        expected=tuple(float(seen.sum() * share) for share in planned),
        p_value=float(np.exp(-max(odds, 0.0))),
    )
