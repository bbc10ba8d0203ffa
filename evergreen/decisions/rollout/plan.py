"""The plan of a rollout: a shadow, shares of the traffic that grow, and all of it at the end."""

from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.config.params.rollout import ALL, SHADOW, steps_of


class Step(Value):
    """A step of a plan. `percent`: of the traffic that the new version answers; None in a shadow."""

    percent: float | None

    @property
    def name(self) -> str:
        """Return how people write it: `shadow`, or `25 %`."""
        return SHADOW if self.percent is None else f"{self.percent:g} %"

    @property
    def share(self) -> float:
        """Return the share of the traffic that the new version answers, 0 to 1."""
        return 0.0 if self.percent is None else self.percent / ALL


class Plan(Value):
    """Steps in order; the last one is all of the traffic, which the version gets as champion."""

    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """Return the plan as it is written."""
        return ",".join(SHADOW if step.percent is None else f"{step.percent:g}" for step in self.steps)

    @property
    def at_once(self) -> bool:
        """Whether nothing is seen of the version before it has all of the traffic."""
        return len(self.steps) == 1

    @property
    def looked_at(self) -> int:
        """How many steps are judged before all of the traffic: the error of a rollout is divided among them."""
        return len(self.steps) - 1


def parse(text: str, *, where: str = "--plan") -> Plan:
    """Return the plan that a text says; raises ConfigError for one that cannot be followed.

    Examples
    --------
    >>> [step.name for step in parse("shadow, 5, 50, 100").steps]
    ['shadow', '5 %', '50 %', '100 %']
    """
    try:
        return Plan(steps=tuple(Step(percent=percent) for percent in steps_of(text)))
    except ValueError as error:
        raise ConfigError(
            "CFG110",
            str(error),
            where=where,
            next_step="Write rising percentages up to 100, after 'shadow' if you like: shadow,5,25,50,100",
        ) from None
