"""Where a search begins: the start that it is given, then each family near its own defaults."""

from collections.abc import Callable, Mapping
from typing import Any

from evergreen.learning.tuning import space as spaces
from evergreen.learning.tuning.space import Choice, Space, Start


def first(space: Space, start: Start | None, defaults: Callable[[str], Mapping[str, Any]]) -> list[Choice]:
    """Return what is tried before anything is drawn: the start, where its family is in the space, then the defaults.

    All are clipped into the space. `defaults`: an estimator's parameters, by family.
    """
    choices = [spaces.fit_in(family, defaults(family), space) for family in space]
    if start is not None and start.family in space:
        wanted = {**defaults(start.family), **start.params}
        choices.insert(0, spaces.fit_in(start.family, wanted, space))
    return choices
