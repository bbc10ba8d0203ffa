"""The search space: what may be chosen, where a search begins, and every point of a space that has an end."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evergreen.config.contract.columns import Task
from evergreen.config.params.tune import Distribution
from evergreen.learning.tuning import families
from evergreen.learning.tuning.choice import Choice

Space = Mapping[str, Mapping[str, Distribution]]


def ends(space: Space) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each family as it is, then with each end of each of its parameters, one at a time."""
    for family, parameters in space.items():
        yield family, {}
        for name, where in parameters.items():
            for end in where.values or where.integer or where.real or ():
                yield family, {name: end}


def check(space: Space, task: Task) -> None:
    """Raise ConfigError for a family, or an end of its search space, that `families.check` refuses."""
    for family, chosen in ends(space):
        families.check(family, chosen, task)


def fit_in(family: str, wanted: Mapping[str, Any], space: Space) -> Choice:
    """Return the choice nearest to the `wanted` parameters: values outside their range are clipped to it.

    A parameter that is not wanted, or is no number where the space has a range, gets the middle of its range.
    """
    return Choice(family=family, params={name: _nearest(wanted, name, where) for name, where in space[family].items()})


def _nearest(wanted: Mapping[str, Any], name: str, where: Distribution) -> Any:
    value = wanted.get(name)
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if where.values is not None:
        if name in wanted and value in where.values:
            return where.values[where.values.index(value)]
        numbers = [point for point in where.values if isinstance(point, int | float) and not isinstance(point, bool)]
        apart = {} if number is None else {abs(point - number): point for point in reversed(numbers)}
        return apart[min(apart)] if apart else where.values[0]
    low, high = where.integer or where.real or (0, 0)
    if number is None:
        number = math.sqrt(low * high) if where.log else (low + high) / 2
    clipped = min(max(number, low), high)
    return round(clipped) if where.integer is not None else float(clipped)


def size(space: Space) -> int | None:
    """Return how many choices a space has; None where a range of real numbers makes them endless."""
    if any(_points(where) is None for parameters in space.values() for where in parameters.values()):
        return None
    return sum(_size(parameters) for parameters in space.values())


def every(space: Space, *, seed: int, at_most: int) -> Iterator[Choice]:
    """Yield the choices of a space that has an end, at most some, in an order drawn by the seed."""
    n = size(space) or 0
    for position in random.Random(seed).sample(range(n), k=min(n, at_most)):  # noqa: S311  an order, not a secret
        yield _at(space, position)


def _at(space: Space, position: int) -> Choice:
    for family, parameters in space.items():
        if position < _size(parameters):
            chosen = {}
            for name, where in parameters.items():
                points = _points(where) or ()
                position, at = divmod(position, len(points))
                chosen[name] = points[at]
            return Choice(family=family, params=chosen)
        position -= _size(parameters)
    raise IndexError(position)


def _size(parameters: Mapping[str, Distribution]) -> int:
    return math.prod(len(_points(where) or ()) for where in parameters.values())


def _points(where: Distribution) -> Sequence[Any] | None:
    if where.values is not None:
        return list(dict.fromkeys(where.values))
    if where.integer is not None:
        return range(where.integer[0], where.integer[1] + 1)
    return None
