"""What evaluation says of a candidate: its metrics and those of its baselines, on rows that none has seen."""

from pydantic import Field

from evergreen.base.values import Value


class Report(Value):
    """Metrics of candidate and baselines on the same test rows, and of the candidate on its own train rows.

    A metric that is undefined on the rows is left out. `baseline` is the next simpler family, which the gate compares
    with; `baselines` are the prior and the linear family by their names. `intervals`: low and high of each metric of
    the candidate; `gains`: of candidate minus baseline, on the same rows. `threshold`, `baseline_threshold`: the
    probability from which on candidate and baseline answer true; only a binary target has a use for them. What is drawn
    for intervals are `n_clusters` of what `unit` names, such as ``day``, ``patient`` or ``row``; empty and 0 for none.
    """

    family: str
    baseline_family: str
    candidate: dict[str, float]
    baseline: dict[str, float]
    train: dict[str, float]
    n_train: int
    n_test: int
    threshold: float = 0.5
    baseline_threshold: float = 0.5
    baselines: dict[str, dict[str, float]] = Field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    gains: dict[str, tuple[float, float]] = Field(default_factory=dict)
    unit: str = ""
    n_clusters: int = 0
