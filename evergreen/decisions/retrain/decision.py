"""Whether to train again: a pure decision from drift, matured performance and age."""

import math
from datetime import date
from typing import Literal

from evergreen.base.values import Value
from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.decision import DriftReport
from evergreen.decisions.performance import Performance

Trigger = Literal["performance", "drift", "age"]


class Decision(Value):
    """Retrain or not, and why.

    `triggers` fired, whether or not the cooldown held them back. `unknown`: drift or performance could not be judged,
    so somebody must look; that alone does not retrain. `reasons` has a line for each of performance, drift and age,
    and one for the cooldown when it decided.
    """

    retrain: bool
    unknown: bool
    triggers: tuple[Trigger, ...]
    reasons: tuple[str, ...]
    summary: str


def watching_closely(params: RetrainParams) -> RetrainParams:
    """Return the policy for the first window of a model that nobody has measured: half the fall is tolerated."""
    return params.model_copy(update={"max_drop": params.max_drop / 2})


def decide(
    drift: DriftReport,
    performance: Performance,
    params: RetrainParams,
    *,
    at_gate: float,
    champion_data_end: date,
    window_end: date,
    last_retraining: date | None,
) -> Decision:
    """Return whether this window is worth a retraining.

    Parameters
    ----------
    drift, performance : of the window.
    at_gate : the champion's value of the gate's metric when the gate passed it.
    champion_data_end, window_end : the ends of the champion's data and of the window, both exclusive.
    last_retraining : the `window_end` that caused the last retraining; None when there was none.

    Notes
    -----
    Performance fires when the metric fell by more than `max_drop` and its whole interval lies below `at_gate`; drift
    when the table drifted and `on_drift` is set; age from `max_age_days` on. Within `cooldown_days` of the last
    retraining they are held back.
    """
    judged: tuple[tuple[Trigger, bool | None, str], ...] = (
        ("performance", *_fell(performance, params, at_gate)),
        ("drift", *_drifted(drift, params)),
        ("age", *_aged((window_end - champion_data_end).days, params)),
    )
    unknown = tuple(name for name, fired, _ in judged if fired is None)
    triggers = tuple(name for name, fired, _ in judged if fired)
    reasons = tuple(f"{name}: {text}" for name, _, text in judged)
    days_left = params.cooldown_days - (window_end - last_retraining).days if last_retraining else 0
    held_back = bool(triggers) and days_left > 0
    if held_back:
        reasons += (f"held back by cooldown, {days_left} days left",)
    return Decision(
        retrain=bool(triggers) and not held_back,
        unknown=bool(unknown),
        triggers=triggers,
        reasons=reasons,
        summary=_summary(triggers, unknown, days_left if held_back else 0),
    )


def _fell(performance: Performance, params: RetrainParams, at_gate: float) -> tuple[bool | None, str]:
    if performance.value is None or performance.high is None:
        return None, f"could not be judged: {performance.evidence}"
    if not math.isfinite(at_gate):
        return None, f"could not be judged: the champion's {performance.metric} at the gate is {at_gate}"
    fall = at_gate - performance.value
    text = f"{performance.evidence}, {at_gate:.4f} at the gate: a fall of {fall:.4f}, {params.max_drop:g} is tolerated"
    if fall <= params.max_drop:
        return False, text
    noise = performance.high >= at_gate
    return not noise, text + (", but the interval reaches the gate's value" if noise else "")


def _drifted(drift: DriftReport, params: RetrainParams) -> tuple[bool | None, str]:
    if drift.verdict == "unknown":
        return None, f"could not be judged: {drift.summary}"
    ignored = drift.verdict == "drift" and not params.on_drift
    return drift.verdict == "drift" and params.on_drift, drift.summary + (", but on_drift is off" if ignored else "")


def _aged(days: int, params: RetrainParams) -> tuple[bool, str]:
    return days >= params.max_age_days, f"{days} days since the champion's data ended, at most {params.max_age_days}"


def _summary(triggers: tuple[Trigger, ...], unknown: tuple[Trigger, ...], days_left: int) -> str:
    chosen = "do not retrain: nothing fired"
    if triggers:
        chosen = f"held back by cooldown, {days_left} days left" if days_left else "retrain"
        chosen += f": {', '.join(triggers)}"
    return chosen + (f"; could not be judged: {', '.join(unknown)}" if unknown else "")
