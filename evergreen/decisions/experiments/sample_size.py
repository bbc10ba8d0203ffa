"""How many units an experiment needs in each variant, to find an effect that is there with the power that is asked."""

from math import ceil, sqrt

from scipy import stats

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.decisions.experiments.sequential import half_width

MOST = 10**12


class Size(Value):
    """How many units each variant needs.

    `once`: where the result is read a single time, at that number and not before. `any_time`: where it may be read
    whenever somebody likes, which is the default; most experiments whose effect is there end long before.
    """

    once: int
    any_time: int


def of_rates(rate: float, effect: float, *, alpha: float = 0.05, power: float = 0.8) -> Size:
    """Return the size for a share that is to go from `rate` to `rate + effect`.

    Parameters
    ----------
    rate : of the champion, in (0, 1).
    effect : the smallest difference worth finding, above 0, in the same unit: 0.02 is two percentage points.
    alpha : the error of finding one where there is none, of both sides together.
    power : the probability of finding one that is that large.

    Raises
    ------
    ConfigError for numbers that are no shares, or an effect of 0 or less (EXP001).

    Notes
    -----
    `2 p (1 - p) (z(1 - alpha/2) + z(power))^2 / effect^2`, p being the mean of the two rates: the variance is that of
    the test, which pools.

    Examples
    --------
    >>> of_rates(0.10, 0.02)
    Size(once=3843, any_time=7358)
    """
    _require(effect, alpha, power)
    if not 0 < rate < 1 or not rate + effect < 1:
        _refuse(f"a rate of {rate:g} that is to be {rate + effect:g}", "Rates lie between 0 and 1.")
    middle = rate + effect / 2
    return _size(middle * (1 - middle), effect, alpha, power)


def of_means(deviation: float, effect: float, *, alpha: float = 0.05, power: float = 0.8) -> Size:
    """Return the size for a mean that is to move by `effect`.

    Parameters
    ----------
    deviation : the standard deviation of a unit's value, above 0.
    effect, alpha, power : as of `of_rates`.

    Raises
    ------
    ConfigError as `of_rates`.

    Examples
    --------
    >>> of_means(1.0, 0.1).once
    1570
    """
    _require(effect, alpha, power)
    if not deviation > 0:
        _refuse(f"a standard deviation of {deviation:g}", "It is above 0.")
    return _size(deviation**2, effect, alpha, power)


def clustered(size: Size, *, rows: float, alike: float) -> Size:
    """Return how many rows each variant needs where every unit brings several that resemble each other.

    Parameters
    ----------
    size : for rows that are independent.
    rows : of a unit, on average, 1 or more.
    alike : the correlation of two rows of one unit, in [0, 1].

    Notes
    -----
    `1 + (rows - 1) * alike` times as many: the design effect (Kish, 1965).

    Examples
    --------
    >>> clustered(Size(once=1_000, any_time=2_000), rows=5, alike=0.25)
    Size(once=2000, any_time=4000)
    """
    if rows < 1 or not 0 <= alike <= 1:
        _refuse(f"{rows:g} rows a unit that are {alike:g} alike", "A unit has 1 row or more; alike is from 0 to 1.")
    times = 1 + (rows - 1) * alike
    return Size(once=ceil(size.once * times), any_time=ceil(size.any_time * times))


def _size(variance: float, effect: float, alpha: float, power: float) -> Size:
    once = 2 * variance * (stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) ** 2 / effect**2
    # At the planned number an interval that holds at all looks is wider by a factor that alpha alone decides.
    wide = half_width(100, 1.0, alpha=alpha, planned=100) * sqrt(100)
    any_time = 2 * variance * (wide + stats.norm.ppf(power)) ** 2 / effect**2
    if not max(once, any_time) < MOST:
        _refuse(f"an effect of {effect:g}", "No experiment is large enough for it: name a larger one.")
    return Size(once=ceil(once), any_time=ceil(any_time))


def _require(effect: float, alpha: float, power: float) -> None:
    if not effect > 0:
        _refuse(f"a smallest effect of {effect:g}", "Name the smallest one worth finding, above 0, such as 0.02.")
    if not 0 < alpha < 1 or not alpha < power < 1:
        _refuse(f"an error of {alpha:g} and a power of {power:g}", "Both are in (0, 1), the power above the error.")


def _refuse(what: str, next_step: str) -> None:
    raise ConfigError("EXP001", f"no experiment has {what}", where="experiment", next_step=next_step)
