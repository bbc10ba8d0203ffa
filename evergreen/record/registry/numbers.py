"""Every number of a training, by the name under which it is logged."""

from collections.abc import Mapping, Sequence
from math import isfinite

from evergreen.learning.tuning.best import Best
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import StepRun

OF_STEPS = "step."


def numbers_of(candidate: Candidate, metric: str, steps: Sequence[StepRun]) -> dict[str, float]:
    """Return every number of a training by name; what is undefined is left out.

    Parameters
    ----------
    metric : the gate's, whose gap between train and test rows has a name of its own.
    steps : what ran; those that were cached have no numbers.
    """
    report, best = candidate.report, candidate.best
    gaps = {name: report.train[name] - value for name, value in report.candidate.items() if name in report.train}
    others = {"baseline": report.baseline, "train": report.train, **report.baselines}
    numbers: dict[str, float | None] = {
        **report.candidate,
        **{f"{of}_{name}": value for of, metrics in others.items() for name, value in metrics.items()},
        **_ends(report.intervals),
        **_ends({f"gain_{name}": interval for name, interval in report.gains.items()}),
        **{f"train_test_gap_{name}": gap for name, gap in gaps.items()},
        "train_test_gap": gaps.get(metric),
        "tune_score": best.score,
        "tune_trials": best.n_trials,
        **_calibrated(best),
        "rows_kept": candidate.validation.kept,
        "rows_quarantined": candidate.validation.quarantined,
    }
    for step in steps:
        if not step.cached:
            numbers |= {
                f"{OF_STEPS}{step.name}.seconds": step.seconds,
                f"{OF_STEPS}{step.name}.cpu_seconds": step.cpu_seconds,
                f"{OF_STEPS}{step.name}.rss_mb": step.rss_mb,
            }
    return {name: float(value) for name, value in numbers.items() if value is not None and isfinite(value)}


def _ends(intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    return {
        f"{name}_{end}": value
        for name, both in intervals.items()
        for end, value in zip(("low", "high"), both, strict=True)
    }


def _calibrated(best: Best) -> dict[str, float]:
    """Return what calibration did on the validation folds, before and after."""
    calibration = best.calibration
    both = {"log_loss": calibration.log_loss, "ece": calibration.ece} if calibration else {}
    return {
        f"calibration_{name}_{when}": value
        for name, values in both.items()
        for when, value in zip(("before", "after"), values, strict=True)
    }
