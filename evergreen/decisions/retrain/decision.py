"""Whether to train again: a pure decision, from what a look found, by a policy and its guards."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from evergreen.base.values import Value
from evergreen.config.params.policy import Policy
from evergreen.config.params.retrain import RetrainParams
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.retrain import policy as policies
from evergreen.decisions.retrain.guards import guards, spared
from evergreen.decisions.retrain.ladder import Name, Rung, Window, after, choose
from evergreen.decisions.retrain.signals import Case, Figure, Found, Judged, Past, judge

MEASURED = ("harm", "estimated", "probe", "cost")  # by which a repair is wanted, and not a training for its own sake


class Decision(Value):
    """Retrain or not, and why.

    `policy`: by which it was decided. `triggers`: the signals of it that fired, whether or not something held them
    back; `decided_by`: those of them by which the policy fired, None where it did not. `unknown`: what the policy says
    hangs on a signal that could not be judged; that alone does not retrain. `held_by`: the guards that stand in the
    way. `circuit_open`: retrainings have not helped, and no further one starts by itself.

    `rung`: the repair that is worth its price, on the history `window`; None: a training with a full search. `reasons`
    has a line for each signal of the policy, and one for each guard that held it back. `would_change`: what would have
    led to another decision, a line for each signal or guard; several lines stand for all of them together where none
    is enough alone. `inputs` and `limits`: the numbers that were compared, by signal and guard.
    """

    retrain: bool
    unknown: bool
    triggers: tuple[str, ...]
    reasons: tuple[str, ...]
    summary: str
    circuit_open: bool = False
    policy: str = ""
    decided_by: str | None = None
    held_by: tuple[str, ...] = ()
    rung: Name | None = None
    window: Window | None = None
    would_change: tuple[str, ...] = ()
    inputs: dict[str, Figure] = {}  # noqa: RUF012  pydantic copies it
    limits: dict[str, Figure] = {}  # noqa: RUF012


class Repair(NamedTuple):
    """The rung that is worth its price, and what stands in the way where none is."""

    rung: Rung | None
    held: tuple[Judged, ...] = ()


def decide(found: Found, past: Past, params: RetrainParams, *, window_end: date) -> Decision:
    """Return whether this window is worth a retraining.

    Parameters
    ----------
    window_end : of the window, exclusive.

    Notes
    -----
    A policy that fired by what is measured (`MEASURED`) gets the cheapest rung of the ladder that is worth its price,
    and is held back where what was measured is not worth any. One that fired by the calendar, by new rows or by shift
    gets a training with a full search. A rung that the gate refused of this champion is followed by the next.
    """
    policy = Policy.parse(params.policy)
    case = Case(found, past, params, window_end)
    judged = {str(signal): judge(signal, case) for signal in policy.signals}
    said = {name: signal.fired for name, signal in judged.items()}
    fired = policies.answer(policy, said)
    because = policies.behind(policy, said)
    repair = _repair(policy, said, found, past, params)
    standing = [guard for guard in guards(case) if guard.fired and not (fired and spared(guard, repair.rung, because))]
    standing += repair.held
    triggers = tuple(name for name, each in said.items() if each)
    unknown = tuple(name for name, each in said.items() if each is None)
    told = [guard for guard in standing if fired or guard.name in ("data", "circuit")]
    everything = [*judged.values(), *guards(case)]
    rung = repair.rung
    return Decision(
        retrain=bool(fired) and not standing,
        unknown=fired is None,
        triggers=triggers,
        reasons=(
            *(f"{name}: {signal.evidence}" for name, signal in judged.items()),
            *(f"held back {guard.evidence}" for guard in told),
        ),
        summary=_summary(triggers if fired else (), unknown, told, rung),
        circuit_open=any(guard.name == "circuit" for guard in standing),
        policy=str(policy),
        decided_by=" and ".join(because) or None,
        held_by=tuple(guard.name for guard in standing),
        rung=rung.name if rung else None,
        window=rung.window if rung else None,
        would_change=_would_change(policy, judged, said, standing),
        inputs={each.name: each.value for each in everything},
        limits={each.name: each.limit for each in everything},
    )


def hangs_on_probe(params: RetrainParams, harm: Harm) -> bool:
    """Return whether what a probe finds may change a decision by the policy, or the repair that it leads to."""
    kinds = {signal.kind for signal in Policy.parse(params.policy).signals}
    return bool(kinds & {"probe", "cost", "estimated"}) or ("harm" in kinds and harm.verdict == "broken")


def _repair(policy: Policy, said: policies.Answers, found: Found, past: Past, params: RetrainParams) -> Repair:
    """Return the rung of the ladder, where a policy fired by what is measured."""
    probed = found.probed
    is_wanted = bool(policies.answer(policy, said)) and any(said.get(name) for name in MEASURED)
    if not is_wanted or probed is None or probed.champion_loss is None:
        return Repair(None)
    rung = choose(probed, found.harm.promise, min_gain=params.min_gain)
    otherwise = {name: False if name in MEASURED else each for name, each in said.items()}
    if rung is None and not policies.answer(policy, otherwise):
        why = f"since no repair is worth it: {probed.evidence}"
        return Repair(None, (Judged("repair", True, None, None, why, "a repair that surely gains"),))
    return Repair(_not_refused(rung, past, found))


def _not_refused(rung: Rung | None, past: Past, found: Found) -> Rung | None:
    """Return the rung, or the next above it that the gate has not refused; the rung again where it refused all."""
    higher = rung
    while higher and found.probed and higher.name in past.refused:
        higher = after(higher, found.probed)
    return higher or rung


def _would_change(
    policy: Policy, judged: Mapping[str, Judged], said: policies.Answers, standing: Sequence[Judged]
) -> tuple[str, ...]:
    fired = policies.answer(policy, said)
    signals = [] if fired and standing else [judged[name] for name in policies.turning(policy, said)]
    if not signals and not fired and len(policy.signals) == 1:  # never
        signals = [*judged.values()]
    guarded = [] if fired and not standing else standing
    return tuple(f"{each.name}: {each.otherwise}" for each in (*signals, *guarded))


def _summary(fired: Sequence[str], unknown: Sequence[str], told: Sequence[Judged], rung: Rung | None) -> str:
    chosen = "do not retrain: nothing fired"
    if fired and told:
        chosen = f"held back {told[0].evidence}: {', '.join(fired)}"
    elif fired:
        by = f" by {rung.name}" if rung else ""
        chosen = f"retrain{by}: {', '.join(fired)}"
    elif told:
        chosen += f"; held back {told[0].evidence}"
    return chosen + (f"; could not be judged: {', '.join(unknown)}" if unknown else "")
