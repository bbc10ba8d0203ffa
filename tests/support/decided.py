"""What a look found and what happened before it, made up figure by figure, for decisions about retraining."""

from datetime import date, timedelta
from typing import Any

from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.retrain import decision as retrain
from evergreen.decisions.retrain.ladder import Probed, Rung
from evergreen.decisions.retrain.signals import Case, Found, Past

WINDOW_END = date(2024, 6, 1)
PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="told")
SEARCH = Rung(name="search", why_not="it is measured by the gate alone")


def days_ago(days: int) -> date:
    return WINDOW_END - timedelta(days=days)


def shift_of(verdict: str) -> Shift:
    about = {"n_reference": 9, "n_window": 9, "blocks_reference": 9, "blocks_window": 9}
    return Shift(verdict=verdict, evidence=f"{verdict}: told", persistent=False, **about)


def harm_of(verdict: str, labels: int = 900) -> Harm:
    return Harm(verdict=verdict, evidence="told", promise=PROMISE, limit=20.0, n_labels=labels, e_value=3.0)


def faults_of(*columns: str, verdict: str = "none") -> Faults:
    found = tuple(Fault(column=name, kind="constant", evidence="told", share=1.0) for name in columns)
    return Faults(
        verdict="fault" if columns else verdict, evidence="told", n_reference=9, n_window=9, columns=found
    )  # fmt: skip


def estimated_of(loss: float | None) -> Estimated:
    about = {"metric": "roc_auc", "loss_name": "brier", "n_reference": 9, "n_window": 9, "confidence": 0.95}
    return Estimated(verdict="unknown" if loss is None else "estimated", evidence="told", loss=loss, **about)


def refit_of(gain: float, low: float, *, champion: float = 0.2, restores: bool = True, cheaper: bool = False) -> Probed:
    """What a refit gains over a champion; a recalibration nothing, or as much (`cheaper`)."""
    figures = {"loss": champion - gain, "gain": gain, "low": low, "high": 2 * gain - low, "restores": restores}
    curve = Rung(name="recalibration", **figures) if cheaper else Rung(
        name="recalibration", loss=champion, gain=0.0, low=-0.01, high=0.01, restores=False
    )  # fmt: skip
    rungs = (curve, Rung(name="refit", window="recent", **figures), SEARCH)
    return Probed(
        evidence="tried", rows=500, days=14, champion_loss=champion, rungs=rungs, gain=gain, low=low, high=0.0
    )


GAIN, NONE, UNTRIED = refit_of(0.08, 0.06), refit_of(-0.01, -0.02, champion=0.1), Probed(evidence="could not be tried")


def case_of(
    harm: str = "kept",
    shift: str = "steady",
    *,
    policy: str = "any(harm,probe)",
    faults: Faults | None = None,
    estimated: float | None = 0.1,
    probed: Probed | None = NONE,
    rows: int = 1000,
    labels: int = 900,
    age: int = 30,
    past: dict[str, Any] | None = None,
    **params: object,
) -> Case:
    """Return a look at a window of May in which nothing is wrong but what is said, and its past."""
    if probed:
        probed = probed.model_copy(update={"broken": harm == "broken"})
    return Case(
        Found(shift_of(shift), harm_of(harm, labels), faults or faults_of(), estimated_of(estimated), probed, rows),
        Past(**{"champion_data_end": days_ago(age)} | (past or {})),
        RetrainParams.model_validate({"policy": policy, "cooldown_days": 25} | params),
        WINDOW_END,
    )


def decide(policy: str = "any(harm,probe)", *args: str, **given: Any) -> retrain.Decision:
    """Return what is decided in a case."""
    case = case_of(*args, policy=policy, **given)
    return retrain.decide(case.found, case.past, case.params, window_end=case.window_end)
