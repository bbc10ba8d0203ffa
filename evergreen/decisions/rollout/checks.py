"""What each check of a rollout says at a look: a value each, with the figures that it rests on."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

import numpy as np
from pydantic import Field

from evergreen.base.values import Value
from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.rollout.answers import Answers, Array, Mask
from evergreen.decisions.rollout.difference import FEWEST_BLOCKS, FEWEST_UNITS, Difference, between, paired
from evergreen.decisions.rollout.exceeding import evidence_above

Outcome = Literal["passed", "waits", "look", "harm", "futile", "not applicable"]
Name = Literal["losses", "failures", "latency", "referred", "shift", "rows", "time"]
P50, P99 = 0.5, 0.01  # of the requests may take longer


class Check(Value):
    """What a check says. `harm`: return it; `look`: a person has to; `waits`: not enough is known yet; `futile`: enough
    is, and it will not pass.

    `figures`: what it rests on, by name.
    """

    name: Name
    outcome: Outcome
    text: str
    figures: Mapping[str, float | int | str | None] = Field(default_factory=dict)


def losses(
    steps: Sequence[Answers], policy: RolloutParams, *, alpha: float, coverage: float, better: bool = False
) -> Check:
    """Say whether the version loses more than the champion, by all steps so far.

    Parameters
    ----------
    steps : oldest first.
    alpha : of one step: the intervals of all steps hold together with the whole rollout's.
    coverage : the share of the labels that are due which has to be known.
    better : whether it has to lose less than the champion, not only not more; futile once it is known to be neither
        better nor worse by as much as matters.
    """
    margin = 0.0 if better else policy.worse_by
    found, why = [], []
    for one in steps:
        due, known = one.n_due, one.n_labelled
        if not due:
            continue
        if known < coverage * due:
            why.append(f"{known:,} of {due:,} labels that are due are known, {coverage:.0%} are needed")
            continue
        made = _lost(one, policy, alpha)
        if made:
            found.append(made)
    if not found:
        return Check(name="losses", outcome="waits", text=why[-1] if why else "no labels of it are due yet")
    lows = [one.low for one in found if one.low is not None]
    highs = [one.high for one in found if one.high is not None]
    low, high, last = max(lows, default=None), min(highs, default=None), found[-1]
    figures = {
        "mean": last.mean, "low": low, "high": high, "n": sum(one.n for one in found), "blocks": last.blocks,
        "margin": margin,
    }  # fmt: skip
    within = f"the loss differs by {last.mean:+.4f}, within {_end(low)} and {_end(high)}"
    if low is not None and (low > margin or (low > 0 and (high is None or high >= margin))):
        return Check(name="losses", outcome="harm", text=f"it loses more than the champion: {within}", figures=figures)
    if high is not None and high < margin:
        matters = "it has to lose less" if better else f"{margin:g} does not matter"
        text = f"it loses at most {high:+.4f} more than the champion, and {matters}"
        return Check(name="losses", outcome="passed", text=text, figures=figures)
    if better and low is not None and high is not None and -policy.worse_by < low and high < policy.worse_by:
        text = f"it is neither better nor worse by {policy.worse_by:g}: {within}"
        return Check(name="losses", outcome="futile", text=text, figures=figures)
    lacking = [
        f"{FEWEST_BLOCKS} {policy.block}s are needed, and there are {last.blocks}" * (last.blocks < FEWEST_BLOCKS),
        f"{FEWEST_UNITS} units of an arm are needed, and there are {last.units}" * (last.low is None and last.is_split),
    ]
    return Check(name="losses", outcome="waits", text="; ".join([within, *filter(None, lacking)]), figures=figures)


def _lost(one: Answers, policy: RolloutParams, alpha: float) -> Difference | None:
    planned = float(policy.min_rows)
    if one.paired:
        there = ~np.isnan(one.loss) & ~np.isnan(one.loss_before)
        differences = one.loss[there] - one.loss_before[there]
        return paired(differences, one.unit.of(there), one.block.of(there), alpha=alpha, planned=planned)
    there = ~np.isnan(one.loss)
    unit, block = one.unit.of(there), one.block.of(there)
    return between(one.loss[there], one.is_new[there], unit, block, alpha=alpha, planned=planned)


def failures(one: Answers, policy: RolloutParams, *, alpha: float) -> Check:
    """Say whether requests fail that the version was to answer, more often than they may."""
    n, k = _requests(one, one.failed)
    if not n:
        return Check(name="failures", outcome="waits", text="no request of it was asked yet")
    text = f"it failed in {k:,} of {n:,} requests; {policy.max_failed:.1%} may"
    return Check(
        name="failures",
        outcome="harm" if evidence_above(k, n, policy.max_failed) >= 1 / alpha else "passed",
        text=text,
        figures={"requests": n, "failed": k, "at_most": policy.max_failed},
    )


def latency(one: Answers, policy: RolloutParams, *, alpha: float) -> Check:
    """Say whether more requests than may are slower than the service's objective, and the champion's are not."""
    limits = [(name, ms, may) for name, ms, may in _limits(policy) if ms is not None]
    if not limits:
        return Check(name="latency", outcome="not applicable", text="the service has no objective for it")
    if not one.n_new:
        return Check(name="latency", outcome="waits", text="no request of it was asked yet")
    said: list[str] = []
    outcome: Outcome = "passed"
    figures: dict[str, float | int | str | None] = {}
    for name, ms, may in limits:
        n, k = _requests(one, one.late | (one.ms > ms))
        n_before, k_before = _requests(one, one.ms > ms, of_new=False) if not one.paired else (0, 0)
        at = _quantile(one, 1 - may)
        figures |= {f"{name}_ms": at, f"{name}_requests": n, f"{name}_slow": k, f"{name}_limit_ms": ms}
        text = f"{name} is {at:.1f} ms" if at is not None else f"{name} is not known"
        said.append(f"{text}, {k:,} of {n:,} requests took longer than {ms:g} ms")
        if evidence_above(k, n, may) < 1 / alpha:
            continue
        if n_before and k_before > may * n_before:
            outcome = outcome if outcome == "harm" else "look"
            said.append(f"the champion's took longer in {k_before:,} of {n_before:,}")
        else:
            outcome = "harm"
    return Check(name="latency", outcome=outcome, text="; ".join(said), figures=figures)


def referred(one: Answers, policy: RolloutParams, *, alpha: float) -> Check:
    """Say whether the version refers more rows to people than the champion, by more than it may."""
    if one.paired:
        return Check(name="referred", outcome="not applicable", text="a shadow refers nothing to anybody")
    found = between(
        one.referred.astype(np.float64), one.is_new, one.unit, one.block, alpha=alpha, planned=policy.min_rows
    )
    if found is None:
        return Check(name="referred", outcome="waits", text="an arm has no rows yet")
    is_more = found.low is not None and found.low > policy.max_referred
    return Check(
        name="referred",
        outcome="harm" if is_more else "passed",
        text=f"its share of referred rows differs by {found.mean:+.1%}; {policy.max_referred:.1%} more may be",
        figures={"mean": found.mean, "low": found.low, "at_most": policy.max_referred},
    )


def shift(one: Answers, policy: RolloutParams, *, alpha: float) -> Check:
    """Say whether its answers are far from the champion's, which a person has to look at."""
    columns = one.score.shape[1]
    far: list[tuple[float, bool]] = []
    for at in range(columns):
        made = _shifted(one, at, policy, alpha / columns)
        if made:
            edge = policy.max_shift * _spread(one, at)
            is_far = (made.low is not None and made.low > edge) or (made.high is not None and made.high < -edge)
            far.append((made.mean / max(_spread(one, at), 1e-12), is_far))
    if not far:
        return Check(name="shift", outcome="waits", text="there is nothing to compare yet")
    mean = max((value for value, _ in far), key=abs)
    return Check(
        name="shift",
        outcome="look" if any(is_far for _, is_far in far) else "passed",
        text=f"its answers lie {mean:+.3f} from the champion's; {policy.max_shift:g} may be",
        figures={"mean": mean, "at_most": policy.max_shift},
    )


def _shifted(one: Answers, at: int, policy: RolloutParams, alpha: float) -> Difference | None:
    """Return the difference of answers of these very rows: no block of tomorrow is asked for."""
    planned, alone = float(policy.min_rows), one.unit
    if one.paired:
        differences = one.score[:, at] - one.score_before[:, at]
        there = ~np.isnan(differences)
        if alone.n < FEWEST_BLOCKS:
            return None
        unit = alone.of(there)
        return paired(differences[there], unit, unit, alpha=alpha, planned=planned)
    there = ~np.isnan(one.score[:, at])
    unit = alone.of(there)
    return between(one.score[there, at], one.is_new[there], unit, unit, alpha=alpha, planned=planned)


def _spread(one: Answers, at: int) -> float:
    """Return the standard deviation of the champion's values; 1 where answers are probabilities or shares."""
    if one.task != "regression":
        return 1.0
    before = one.score_before[:, at] if one.paired else one.score[~one.is_new, at]
    before = before[~np.isnan(before)]
    spread = float(before.std()) if len(before) > 1 else 0.0
    return spread or 1.0


def rows(one: Answers, policy: RolloutParams) -> Check:
    """Say whether the version was asked about enough rows at this step."""
    n = one.n_new
    return Check(
        name="rows",
        outcome="passed" if n >= policy.min_rows else "waits",
        text=f"it was asked about {n:,} rows, {policy.min_rows:,} are needed",
        figures={"rows": n, "needed": policy.min_rows},
    )


def time(passed: timedelta, policy: RolloutParams) -> Check:
    """Say whether the step took long enough."""
    hours = passed / timedelta(hours=1)
    return Check(
        name="time",
        outcome="passed" if hours >= policy.min_hours else "waits",
        text=f"this step takes {hours:.1f} hours so far, {policy.min_hours:g} are needed",
        figures={"hours": hours, "needed": policy.min_hours},
    )


def _limits(policy: RolloutParams) -> list[tuple[str, float | None, float]]:
    return [("p50", policy.slo_p50_ms, P50), ("p99", policy.slo_p99_ms, P99)]


def _requests(one: Answers, happened: Mask, *, of_new: bool = True) -> tuple[int, int]:
    """Return how many requests an arm has, and in how many of them it happened to a row of the arm."""
    arm = one.is_new if of_new else ~one.is_new
    return len(np.unique(one.request[arm])), len(np.unique(one.request[arm & happened]))


def _quantile(one: Answers, share: float) -> float | None:
    _, first = np.unique(one.request[one.is_new], return_index=True)
    times: Array = one.ms[one.is_new][first]
    times = times[~np.isnan(times)]
    return float(np.quantile(times, share)) if len(times) else None


def _end(value: float | None) -> str:
    return "no end" if value is None else f"{value:+.4f}"
