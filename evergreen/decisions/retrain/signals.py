"""The signals that a policy may ask: fired, not, or nobody can tell, each with the numbers that were compared."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from evergreen.config.params.policy import Policy
from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.retrain.ladder import Probed

Figure = float | str | None
RECORDED = 6  # significant digits of a number in a sentence


class Found(NamedTuple):
    """What a look found in a window of `rows` rows; `probed` is None where nothing was tried."""

    shift: Shift
    harm: Harm
    faults: Faults
    estimated: Estimated
    probed: Probed | None
    rows: int


class Past(NamedTuple):
    """What happened before a look.

    `champion_data_end`: the day after the last row of the champion. `windows`: that were looked at since the last
    training, with the one that is looked at now. `regret`: the gains that were measured for the windows before, since
    then, each times its rows; None where none was. `promoted_at`: the end of the window of the latest training that was
    promoted. `trainings`: in the year before the end of this window. `failed`: retrainings in a row, up to now, that
    harm outlived or that the gate refused; `refused`: the rungs among those that the gate refused since the champion
    came into service.
    """

    champion_data_end: date
    windows: int = 1
    regret: float | None = None
    promoted_at: date | None = None
    trainings: int = 0
    failed: int = 0
    refused: tuple[str, ...] = ()


class Judged(NamedTuple):
    """A signal that fired, or a guard that holds back: `value` against `limit`, and what would have turned it."""

    name: str
    fired: bool | None
    value: Figure
    limit: Figure
    evidence: str
    otherwise: str


class Case(NamedTuple):
    """What a signal is judged from."""

    found: Found
    past: Past
    params: RetrainParams
    window_end: date


def judge(signal: Policy, case: Case) -> Judged:
    """Return what a signal says of a look."""
    fired, value, limit, evidence, otherwise = JUDGES[signal.kind](signal.n or 0, case)
    return Judged(str(signal), fired, value, limit, evidence, otherwise)


Verdict = tuple[bool | None, Figure, Figure, str, str]  # as of `Judged`, but for its name


def shown(value: float) -> str:
    """Return a number as sentences have it.

    Examples
    --------
    >>> shown(0.00123456789), shown(1234567.0)
    ('0.00123457', '1.23457e+06')
    """
    return f"{value:.{RECORDED}g}"


def _never(_: int, __: Case) -> Verdict:
    return False, None, None, "trains nothing by itself", "another policy, or evergreen retrain --reason TEXT"


def _every(n: int, case: Case) -> Verdict:
    windows = case.past.windows
    return _reached(windows, n, f"{windows} windows since the last training, of {n}", "windows since the last training")


def _rows(n: int, case: Case) -> Verdict:
    labels = case.found.harm.n_labels
    return _reached(labels, n, f"{labels:,} new labelled rows, of {n:,}", "new labelled rows")


def _age(n: int, case: Case) -> Verdict:
    days = (case.window_end - case.past.champion_data_end).days
    return _reached(days, n, f"{days} days since the champion's data ended, of {n}", "days since its data ended")


def _drift(_: int, case: Case) -> Verdict:
    shift = case.found.shift
    fired = {"shifted": True, "steady": False}.get(shift.verdict)
    otherwise = "rows like those of the reference" if fired else "rows that are shifted"
    return fired, shift.verdict, "shifted", shift.evidence, otherwise


def _harm(_: int, case: Case) -> Verdict:
    harm = case.found.harm
    fired = {"broken": True, "kept": False}.get(harm.verdict)
    reached = "none" if harm.e_value is None else shown(harm.e_value)
    if fired:
        otherwise = f"evidence that stayed below {harm.limit:g}; it reached {reached}"
    else:
        more = f", {harm.labels_to_decide:,} more labels like the latest" if harm.labels_to_decide else ""
        otherwise = f"evidence against the promise of {harm.limit:g}; it is {reached}{more}"
    return fired, harm.e_value, harm.limit, f"{harm.verdict}: {harm.evidence}", otherwise


def _estimated(_: int, case: Case) -> Verdict:
    estimated, promise = case.found.estimated, case.found.harm.promise
    if estimated.loss is None or estimated.loss_name != promise.loss or promise.at_most >= 1:
        why = estimated.evidence if estimated.loss is None else f"nothing was promised of the {estimated.loss_name}"
        return None, estimated.loss, promise.at_most, f"could not be judged: {why}", "a loss that can be estimated"
    is_above = estimated.loss > promise.at_most
    return _compared(
        is_above,
        estimated.loss,
        promise.at_most,
        f"estimated {estimated.loss_name} {shown(estimated.loss)}, promised at most {shown(promise.at_most)}",
        "an estimated loss",
    )


def _probe(_: int, case: Case) -> Verdict:
    probed = case.found.probed
    if probed is None or probed.surely is None or probed.champion_loss is None:
        return None, None, None, _unprobed(case), "a refit that could be measured"
    limit = case.params.min_gain * probed.champion_loss
    return _compared(probed.surely > limit, probed.surely, limit, probed.evidence, "a gain that is surely")


def _cost(_: int, case: Case) -> Verdict:
    probed, before, limit = case.found.probed, case.past.regret, case.params.cost
    now = None if probed is None or probed.gain is None else probed.gain * case.found.rows
    known = [each for each in (before, now) if each is not None]
    if not known:
        return None, None, limit, _unprobed(case), "a refit that could be measured"
    regret = sum(known)
    evidence = f"a refit would have saved {shown(regret)} wholly wrong answers since the last training, of {limit:g}"
    reached = _reached(regret, limit, evidence, "wholly wrong answers that a refit would have saved")
    if now is None and not reached[0]:
        return None, regret, limit, f"{evidence}; of this window {_unprobed(case)}", reached[-1]
    return reached


def _unprobed(case: Case) -> str:
    probed = case.found.probed
    return f"could not be judged: {probed.evidence if probed else 'nothing was tried, since the data has a fault'}"


def _reached(value: float, limit: float, evidence: str, what: str) -> Verdict:
    fired = value >= limit
    otherwise = f"fewer than {limit:,g} {what}" if fired else f"{limit:,g} {what}; {value:,.{RECORDED}g} so far"
    return fired, value, limit, evidence, otherwise


def _compared(is_above: bool, value: float, limit: float, evidence: str, what: str) -> Verdict:
    than = f"at most {shown(limit)}" if is_above else f"above {shown(limit)}"
    return is_above, value, limit, evidence, f"{what} {than}; it is {shown(value)}"


JUDGES: dict[str, Callable[[int, Case], Verdict]] = {
    "never": _never,
    "every": _every,
    "rows": _rows,
    "age": _age,
    "drift": _drift,
    "harm": _harm,
    "estimated": _estimated,
    "probe": _probe,
    "cost": _cost,
}
