"""What a variant and the champion show in a metric at a look, with an interval that holds at all looks together."""

from collections.abc import Mapping
from math import floor, inf, log10, sqrt

from evergreen.base.values import Value
from evergreen.decisions.drift.shift.correction import holm
from evergreen.decisions.experiments.cuped import Adjusted, adjusted
from evergreen.decisions.experiments.design import Design, Goal, Guard, MetricName
from evergreen.decisions.experiments.ratios import Difference, Group, Units, difference, group
from evergreen.decisions.experiments.sequential import half_width, needed, p_value

FEWEST = 50  # units in each of two groups before anything is said of them: what holds is a law of large numbers
UNBALANCED = 0.001  # of a covariate that differs between the variants: then it was not known before


class Reading(Value):
    """A metric of a variant beside the champion's.

    `low`, `high`: of the difference, at all looks together, for this metric alone; None before enough is known.
    `p_value`: likewise, of the goals corrected for how many there are (Holm). `lift`: the difference as a share of the
    champion's mean, None where that is 0. `width`: of the interval, as a share of what it was without the champion's
    answer taken out, and `correlation` with it; None where it is not. `unbalanced`: whether that answer differs between
    the groups, and so is not taken out. `progress`: units so far, as a share of what was planned. `more`: about how
    many more units each needs until the interval leaves 0 out, if the difference stays what it is; None where that is
    never, or has happened. `more_without`: likewise, of a goal, until it leaves out what is worth having.
    """

    variant: str
    metric: MetricName
    is_goal: bool
    champion: Group | None
    seen: Group | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float = 1.0
    lift: float | None = None
    width: float | None = None
    correlation: float | None = None
    unbalanced: bool = False
    progress: float = 0.0
    more: int | None = None
    more_without: int | None = None


def figures(one: Reading) -> tuple[str, str]:
    """Return a difference and its interval as people read them: to two digits of the interval's half width.

    Examples
    --------
    >>> about = Reading(variant="B", metric="error", is_goal=True, champion=None, seen=None, difference=0.07723)
    >>> figures(about.model_copy(update={"low": 0.03549, "high": 0.11897}))
    ('+0.077', '+0.035 to +0.119')
    """
    if one.difference is None:
        return "unknown", "no rows"
    if one.low is None or one.high is None:
        return f"{one.difference:+.3g}", "too few units"
    decimals = max(0, 1 - floor(log10((one.high - one.low) / 2)))
    return f"{one.difference:+.{decimals}f}", f"{one.low:+.{decimals}f} to {one.high:+.{decimals}f}"


def readings(design: Design, units: Mapping[tuple[MetricName, str], Units]) -> tuple[Reading, ...]:
    """Return what each variant shows in each metric, beside the champion.

    Parameters
    ----------
    units : of a metric and a variant, "champion" among them; what is missing has none.
    """
    found = [
        _reading(design, one, variant.name, units.get((one.metric, "champion")), units.get((one.metric, variant.name)))
        for variant in design.variants
        for one in design.asked
    ]
    goals = [one for one in found if one.is_goal]
    corrected = iter(holm([one.p_value for one in goals]))
    return tuple(one.model_copy(update={"p_value": next(corrected)}) if one.is_goal else one for one in found)


def _reading(design: Design, asked: Goal | Guard, variant: str, first: Units | None, second: Units | None) -> Reading:
    of_champion, of_variant = (group(units) if units else None for units in (first, second))
    about = Reading(
        variant=variant,
        metric=asked.metric,
        is_goal=isinstance(asked, Goal),
        champion=of_champion,
        seen=of_variant,
    )
    if not first or not second or of_champion is None or of_variant is None:
        return about
    plain = difference(of_champion, of_variant)
    about = about.model_copy(
        update={
            "difference": plain.value,
            "lift": plain.value / of_champion.mean if of_champion.mean else None,
            "progress": plain.units / design.planned,
        }
    )
    if min(len(first), len(second)) < FEWEST or min(of_champion.variance, of_variant.variance) <= 0:
        return about
    taken_out = adjusted(first, second) if design.adjust else None
    unbalanced = taken_out is not None and _unbalanced(taken_out, design)
    used = plain if taken_out is None or unbalanced else taken_out.difference
    half = half_of(used, alpha=design.alpha, planned=design.planned)
    gap = _gap(asked, used.value)
    return about.model_copy(
        update={
            "difference": used.value,
            "low": used.value - half,
            "high": used.value + half,
            "p_value": p_value(used.value, used.error, n=used.units, alpha=design.alpha, planned=design.planned),
            "width": taken_out.width if taken_out and not unbalanced else None,
            "correlation": taken_out.correlation if taken_out and not unbalanced else None,
            "unbalanced": unbalanced,
            "more": None if abs(used.value) > half else _more(used, used.value, design),
            "more_without": None if gap is None or gap > half else _more(used, gap, design),
        }
    )


def half_of(found: Difference, *, alpha: float, planned: float) -> float:
    """Return how far a difference may be from the true one, at all looks together; inf before two units."""
    if found.units < 2:
        return inf
    return half_width(found.units, found.error**2 * found.units, alpha=alpha, planned=planned)


def _gap(asked: Goal | Guard, difference: float) -> float | None:
    """Return how far a difference lies below what is worth having; None where it does not, or is of a guard."""
    if not isinstance(asked, Goal):
        return None
    gap = asked.effect - (difference if asked.better == "higher" else -difference)
    return gap if gap > 0 else None


def _more(used: Difference, far: float, design: Design) -> int | None:
    """Return about how many more units each needs until the interval is narrower than that; None for no number."""
    spread = used.error * sqrt(used.units)
    enough = needed(far, spread, alpha=design.alpha, planned=design.planned)
    return None if enough is None else max(1, round(enough - used.units))


def _unbalanced(found: Adjusted, design: Design) -> bool:
    known = found.balance
    return p_value(known.value, known.error, n=known.units, alpha=UNBALANCED, planned=design.planned) < UNBALANCED
