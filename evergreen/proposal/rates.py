"""How often the proposed gate will be wrong, or undecided: said before anything is trained.

The standard error of a difference between two models that were measured on the same rows is that of one model times the
root of 2 (1 - r), where r is how far they agree row by row (Hanley and McNeil, 1983): what both get wrong together
cancels.
"""

from datetime import datetime

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.campaign import next_level
from evergreen.decisions.gate.check import plural
from evergreen.decisions.gate.doubts import FEW_ROWS
from evergreen.decisions.gate.paired import FEWEST_CLUSTERS
from evergreen.decisions.gate.sees import clusters_needed, exceeds
from evergreen.decisions.gate.verdict import POWER, STEPS
from evergreen.learning.evaluation.clusters import ClusteredError
from evergreen.proposal.sizing import Shape, standard_error

# How far two fits of one recipe agree whose train rows are three quarters the same. Measured, of what rows contribute
# to ROC AUC, balanced accuracy and R², linear and boosted, on three of scikit-learn's tables and on made ones of 600 to
# 8,000 rows: between 0.63 and 1.00, the median 0.95. Two fits of other rows or recipes agree less.
AGREEMENT = 0.9
FIRST = "so few rows cannot tell a good model from chance: the first model is promoted with a warning; bring more rows"
FIELD = 2  # the winner and the simpler family: each is given half of a gate's error


def rates(shape: Shape, gate: GateParams, *, now: datetime) -> tuple[str, ...]:
    """Return what a gate of so many rows will refuse and promote, as sentences.

    Parameters
    ----------
    now : when the first candidate after the first champion would be judged.
    """
    error, units = _difference(shape), plural(shape.unit, shape.clusters)
    if error.n < FEWEST_CLUSTERS:
        return (
            f"{error.n} {units} of gate rows cannot tell a candidate from a champion; {FEWEST_CLUSTERS} are needed",
            f"so a changed recipe is not promoted, and on newer rows gate.when_unclear decides ({gate.when_unclear})",
            FIRST,
        )
    level, margin = next_level((), now=now, alpha=gate.alpha).level / FIELD, gate.champion_margin
    worse = [f"{_pp(by)} in about {exceeds(error, by - margin, gate.alpha):.0%}" for by in STEPS]
    better = [f"{_pp(by)} in about {exceeds(error, by, level):.0%}" for by in STEPS]
    needed = clusters_needed(error, STEPS[-1] - margin, gate.alpha)
    unclear = f"what the rows cannot tell, gate.when_unclear decides ({gate.when_unclear})"
    if needed:
        unit = plural(shape.unit, needed)
        unclear = f"{POWER:.0%} of those that are {_pp(STEPS[-1])} worse needs about {needed:,} {unit}; {unclear}"
    of_days = f" ({error.n} {units})" if shape.unit != "row" else ""
    return (
        f"about {shape.independent:,} independent gate rows{of_days}: on newer rows, a model that is worse in "
        f"{gate.metric} is refused: {', '.join(worse)}",
        unclear,
        f"with a changed recipe, a model that is better is promoted: {', '.join(better)}",
        f"if two models agree as two fits of one recipe do (correlation {AGREEMENT:g}); "
        "every gate says what its own rows tell",
        *([FIRST] if shape.independent < FEW_ROWS else []),
    )


def _pp(by: float) -> str:
    return f"{by * 100:g} pp"


def _difference(shape: Shape) -> ClusteredError:
    n = shape.clusters
    se = standard_error(shape) * (2 * (1 - AGREEMENT)) ** 0.5
    return ClusteredError(se=se, df=max(n - 1.0, 0.0), n=n, n_effective=float(n), autocorrelation=0.0)
