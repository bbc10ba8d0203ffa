"""What the gate reads: the metrics of a candidate and its baselines, and its difference from the champion."""

from evergreen.artifacts import Value


class Report(Value):
    """Metrics of candidate and baseline on the same test rows, and of the candidate on its own train rows."""

    family: str
    baseline_family: str
    candidate: dict[str, float]
    baseline: dict[str, float]
    train: dict[str, float]
    n_train: int
    n_test: int


class Comparison(Value):
    """Candidate against champion on the same rows: the difference in the gate's metric and its interval.

    `why_not` says why the comparison is not valid; the numbers are None then.
    """

    champion_version: int
    champion: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    why_not: str = ""
