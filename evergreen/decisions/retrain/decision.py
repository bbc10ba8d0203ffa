"""Whether to train again: a pure decision from harm, shift and age."""

from datetime import date
from typing import Literal

from evergreen.base.values import Value
from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.retrain.ladder import Name

Trigger = Literal["harm", "shift", "age"]


class Decision(Value):
    """Retrain or not, and why.

    `triggers` fired, whether or not something held them back. `unknown`: harm or shift could not be judged, so somebody
    must look; that alone does not retrain. `circuit_open`: retrainings have not ended the harm, and no further one
    starts by itself. `rung`: of the repair ladder, that is to be made. `reasons` has a line for each of harm, shift and
    age, and one for what held them back.
    """

    retrain: bool
    unknown: bool
    triggers: tuple[Trigger, ...]
    reasons: tuple[str, ...]
    summary: str
    circuit_open: bool = False
    rung: Name | None = None


def decide(
    shift: Shift,
    harm: Harm,
    faults: Faults,
    params: RetrainParams,
    *,
    champion_data_end: date,
    window_end: date,
    last_retraining: date | None,
    attempts: int,
) -> Decision:
    """Return whether this window is worth a retraining.

    Parameters
    ----------
    shift, harm, faults : of the window.
    champion_data_end, window_end : the ends of the champion's data and of the window, both exclusive.
    last_retraining : the `window_end` that caused the last retraining; None when there was none.
    attempts : how many retrainings in a row harm has outlived.

    Notes
    -----
    Harm fires when the promise is broken; shift when the rows are shifted and `on_shift` is set; age from
    `max_age_days` on. They are held back while the data has a fault, since a model would learn it, within
    `cooldown_days` of the last retraining, and harm after `attempts` retrainings in a row that it has outlived.
    """
    judged: tuple[tuple[Trigger, bool | None, str], ...] = (
        ("harm", *_harmed(harm)),
        ("shift", *_shifted(shift, params)),
        ("age", *_aged((window_end - champion_data_end).days, params)),
    )
    unknown = tuple(name for name, fired, _ in judged if fired is None)
    triggers = tuple(name for name, fired, _ in judged if fired)
    days_left = params.cooldown_days - (window_end - last_retraining).days if last_retraining else 0
    circuit_open = "harm" in triggers and attempts >= params.attempts
    held = ""
    if triggers and faults.verdict == "fault":
        held = f"until the data is mended: {', '.join(fault.column for fault in faults.columns)}"
    elif circuit_open:
        held = f"{attempts} retrainings in a row have not ended the harm; somebody has to look"
    elif triggers and days_left > 0:
        held = f"by cooldown, {days_left} days left"
    reasons = [f"{name}: {text}" for name, _, text in judged] + [f"held back {held}"] * bool(held)
    return Decision(
        retrain=bool(triggers) and not held,
        unknown=bool(unknown),
        triggers=triggers,
        reasons=tuple(reasons),
        summary=_summary(triggers, unknown, held),
        circuit_open=circuit_open,
    )


def _harmed(harm: Harm) -> tuple[bool | None, str]:
    return None if harm.verdict == "unknown" else harm.verdict == "broken", f"{harm.verdict}: {harm.evidence}"


def _shifted(shift: Shift, params: RetrainParams) -> tuple[bool | None, str]:
    if shift.verdict == "unknown":
        return None, f"could not be judged: {shift.evidence}"
    is_shifted = shift.verdict == "shifted"
    return is_shifted and params.on_shift, shift.evidence + (
        "; a note, since on_shift is off" if is_shifted and not params.on_shift else ""
    )


def _aged(days: int, params: RetrainParams) -> tuple[bool, str]:
    return days >= params.max_age_days, f"{days} days since the champion's data ended, at most {params.max_age_days}"


def _summary(triggers: tuple[Trigger, ...], unknown: tuple[Trigger, ...], held: str) -> str:
    chosen = "do not retrain: nothing fired"
    if triggers:
        chosen = f"held back {held}: {', '.join(triggers)}" if held else f"retrain: {', '.join(triggers)}"
    return chosen + (f"; could not be judged: {', '.join(unknown)}" if unknown else "")
