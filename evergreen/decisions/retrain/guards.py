"""What holds a retraining back, whatever the policy says."""

from collections.abc import Sequence

from evergreen.decisions.retrain.ladder import Rung
from evergreen.decisions.retrain.signals import Case, Judged

YEAR_DAYS = 365


def guards(case: Case) -> tuple[Judged, ...]:
    """Return every guard, the one that says most first; `fired` of one that holds back.

    A fault of the data: a model would learn it. An open circuit: retrainings have not helped. Labels: there is nothing
    new to learn. Cooldown: what was promoted has to show itself first. Budget: so many trainings a year.
    """
    return (_data(case), _circuit(case), _labels(case), _cooldown(case), _budget(case))


def _data(case: Case) -> Judged:
    faults = case.found.faults
    columns = ", ".join(fault.column for fault in faults.columns)
    return Judged(
        "data",
        faults.verdict == "fault",
        faults.verdict,
        "none",
        f"until the data is mended: {columns or faults.evidence}",
        "data without a fault",
    )


def _circuit(case: Case) -> Judged:
    failed, limit = case.past.failed, case.params.attempts
    return Judged(
        "circuit",
        failed >= limit,
        failed,
        limit,
        f"{failed} retrainings in a row have not ended the harm, or were refused; somebody has to look",
        "a retraining that helps: evergreen retrain --reason TEXT, once somebody has looked",
    )


def _labels(case: Case) -> Judged:
    labels, limit = case.found.harm.n_labels, case.params.min_labels
    return Judged(
        "labels",
        labels < limit,
        labels,
        limit,
        f"by too few labels, {labels:,} since the champion's data ended, {limit:,} needed",
        f"{limit - labels:,} more labelled rows",
    )


def _cooldown(case: Case) -> Judged:
    promoted, limit = case.past.promoted_at, case.params.cooldown_days
    days = (case.window_end - promoted).days if promoted else None
    left = 0 if days is None else limit - days
    return Judged(
        "cooldown",
        left > 0,
        days,
        limit,
        f"by cooldown, {left} days left",
        f"a window that ends {left} days later, or a shorter retrain.cooldown_days",
    )


def _budget(case: Case) -> Judged:
    trainings, limit = case.past.trainings, case.params.budget
    return Judged(
        "budget",
        trainings >= limit,
        trainings,
        limit,
        f"by budget, {trainings} trainings in {YEAR_DAYS} days, of {limit}",
        "fewer trainings in the year before, a repair that trains nothing, or a higher retrain.budget",
    )


def spared(guard: Judged, rung: Rung | None, because: Sequence[str]) -> bool:
    """Return whether a guard lets a retraining through that it would hold back otherwise.

    The budget counts trainings, and a rung may fit no model. A policy that fired by every-K keeps its own distance, but
    for a window from before what was promoted.

    Parameters
    ----------
    because : the signals by which the policy fired.
    """
    if guard.name == "cooldown":
        is_later = isinstance(guard.value, (int, float)) and guard.value > 0
        return is_later and any(name.startswith("every-") for name in because)
    return guard.name == "budget" and rung is not None and not rung.is_training
