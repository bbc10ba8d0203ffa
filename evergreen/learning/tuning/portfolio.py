"""Where a search begins: the warm start that it is given, then each family near its own defaults."""

from collections.abc import Callable, Mapping
from typing import Any

from evergreen.learning.tuning import space as spaces
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.space import Space


def first(space: Space, warm_start: Choice | None, defaults: Callable[[str], Mapping[str, Any]]) -> list[Choice]:
    """Return what is tried first: the warm start, where its family is in the space, then each family's defaults.

    All are clipped into the space. `defaults`: an estimator's parameters, by family.
    """
    choices = [spaces.fit_in(family, defaults(family), space) for family in space]
    if warm_start is not None and warm_start.family in space:
        wanted = {**defaults(warm_start.family), **warm_start.params}
        choices.insert(0, spaces.fit_in(warm_start.family, wanted, space))
    return choices
