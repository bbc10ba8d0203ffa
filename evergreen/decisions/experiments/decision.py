"""Whether a variant is to take the champion's place, by what an experiment shows at a look."""

from collections.abc import Sequence
from typing import Literal

from evergreen.base.values import Value
from evergreen.decisions.experiments.design import Design, Goal, Guard
from evergreen.decisions.experiments.reading import Reading, figures
from evergreen.decisions.experiments.sample_ratio import SampleRatio
from evergreen.decisions.experiments.verdict import Decision


class _Judged(Value):
    """One variant: whether it is better, out, or neither, and why."""

    state: Literal["better", "out", "open"]
    why: str
    would_decide: tuple[str, ...] = ()


def decide(design: Design, readings: Sequence[Reading], ratios: Sequence[SampleRatio], *, mixed: int = 0) -> Decision:
    """Return what follows from the readings of a look.

    Parameters
    ----------
    readings : of every variant, the goals and guards in the order of the design.
    ratios : counts of the champion and the variants: of the units that were assigned, and of those with a label.
    mixed : units whose rows were assigned to several variants.
    """
    over = all(one.progress >= 1 for one in readings if one.is_goal)
    for ratio in (each for each in ratios if each.is_off):
        counts = ", ".join(
            f"{count:,} where {expected:,.0f} were expected"
            for count, expected in zip(ratio.counts, ratio.expected, strict=True)
        )
        why = f"the variants did not get their shares of the {ratio.of}: {counts} (p {ratio.p_value:.1g})"
        wants = "what takes them out of one variant: rows that are not logged, keys that differ, labels that one lacks"
        return Decision(answer="inconclusive", variant=None, why=why, would_decide=(wants,), is_over=over)
    judged = {
        variant.name: _judge(design, [one for one in readings if one.variant == variant.name])
        for variant in design.variants
    }
    note = f"; {mixed:,} units met several variants and are left out" if mixed else ""
    if better := [name for name, one in judged.items() if one.state == "better"]:
        best = max(better, key=lambda name: _surest(design, readings, name))
        return Decision(answer="promote", variant=best, why=judged[best].why + note, is_over=over)
    told = "; ".join(f"{name}: {one.why}" if len(judged) > 1 else one.why for name, one in judged.items()) + note
    if all(one.state == "out" for one in judged.values()):
        return Decision(answer="keep", variant=None, why=told, is_over=over)
    wanted = tuple(dict.fromkeys(want for one in judged.values() for want in one.would_decide))
    return Decision(answer="inconclusive", variant=None, why=told, would_decide=wanted, is_over=over)


def _judge(design: Design, readings: Sequence[Reading]) -> _Judged:
    goals = [(goal, one) for goal, one in zip(design.asked, readings, strict=True) if isinstance(goal, Goal)]
    guards = [(guard, one) for guard, one in zip(design.asked, readings, strict=True) if isinstance(guard, Guard)]
    proven = [(goal, one) for goal, one in goals if one.p_value <= design.alpha and one.difference is not None]
    for goal, one in proven:
        if not _is_gain(goal, one.difference or 0.0):
            return _Judged(state="out", why=f"worse in {told(one)}")
    for guard, one in guards:
        worst, best = _losses(guard, one)
        if best is not None and best > guard.margin:
            return _Judged(state="out", why=f"worse in {told(one)}, beyond the {guard.margin:g} that it may lose")
    without = [one for goal, one in goals if _is_without(goal, one)]
    if not proven and len(without) == len(goals):
        shown = ", ".join(told(one) for one in without)
        return _Judged(state="out", why=f"not better by what is worth having in {shown}")
    open_guards = [
        (guard, one) for guard, one in guards if (worst := _losses(guard, one)[0]) is None or worst > guard.margin
    ]
    if proven and not open_guards:
        return _Judged(state="better", why=f"better in {', '.join(told(one) for _, one in proven)}")
    wants = [_short(guard, one) for guard, one in open_guards] if proven else []
    wants += [_wanted(one) for _, one in goals] if not proven else []
    why = ", ".join(told(one) for _, one in goals)
    said = f"better in {why}, but what it may lose is not known" if proven else f"not known yet: {why}"
    return _Judged(state="open", why=said, would_decide=tuple(wants))


def told(one: Reading) -> str:
    """Return a reading in words: what differs by how much, and how sure that is."""
    if one.champion is None or one.seen is None:
        return f"{one.metric} (no row of {'the champion' if one.champion is None else one.variant} is known)"
    differs, between = figures(one)
    return f"{one.metric} by {differs} ({between})"


def _is_gain(asked: Goal | Guard, difference: float) -> bool:
    return (difference > 0) == (asked.better == "higher")


def _is_without(goal: Goal, one: Reading) -> bool:
    """Return whether the interval leaves no room for what is worth having."""
    if one.low is None or one.high is None:
        return False
    return one.high < goal.effect if goal.better == "higher" else one.low > -goal.effect


def _losses(guard: Guard, one: Reading) -> tuple[float | None, float | None]:
    """Return how much may be lost in a guard, at worst and at best."""
    if one.low is None or one.high is None:
        return None, None
    return (one.high, one.low) if guard.better == "lower" else (-one.low, -one.high)


def _surest(design: Design, readings: Sequence[Reading], variant: str) -> float:
    """Return what a variant gains at least in the first goal."""
    goal = design.goals[0]
    one = next(one for one in readings if one.variant == variant and one.metric == goal.metric)
    if one.low is None or one.high is None:
        return float("-inf")
    return one.low if goal.better == "higher" else -one.high


def _wanted(one: Reading) -> str:
    if one.difference is None or one.low is None:
        return f"{one.metric}: at least 50 units in each variant whose {one.metric} is known, and differs"
    numbers = [
        f"about {n:,} to show that {what}"
        for n, what in ((one.more, "it differs"), (one.more_without, "it is not worth having"))
        if n is not None
    ]
    if not numbers:
        return f"{one.metric}: nothing; its interval touches both 0 and what is worth having, whatever comes"
    return f"{one.metric}: of more units in each variant {', or '.join(numbers)}, if it stays {figures(one)[0]}"


def _short(guard: Guard, one: Reading) -> str:
    worst = _losses(guard, one)[0]
    at_worst = "not known" if worst is None else f"{worst:.4g} at worst"
    return f"{one.metric}: an interval that loses {guard.margin:g} at most; it is {at_worst} now"
