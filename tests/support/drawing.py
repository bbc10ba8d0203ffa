"""A project whose traffic is divided: versions in its ledger, rows answered by the arm that is drawn, and rewards."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import remembered

from evergreen.decisions.experiments.bandits import Policy, Thompson
from evergreen.decisions.rollout.traffic import Traffic, drawn
from evergreen.project import Project
from evergreen.record import bandits, traffic
from evergreen.record.bandits import Bandit, Plan
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, columns_of

RATES = {"champion": 0.10, "B": 0.15, "C": 0.12}
ARMS = {"champion": 1, "B": 2, "C": 3}
LONG_AGO = 1_704_067_200_000_000  # of what rows are about, so that every label is about them


def with_versions(project: Project, *versions: int) -> None:
    """Make version 1 champion, and let others be registered."""
    ledger = project.ledger()
    remembered.make_champion(ledger, 1)
    for version in versions:
        ledger.record(project.name, "version", str(version), remembered.facts(version).model_dump(mode="json"))


def begun(project: Project, policy: Policy = Thompson(), **about: Any) -> Bandit:  # noqa: B008  a frozen value
    """Start the bandit `prices` on three versions, as Ada does."""
    given: dict[str, Any] = {"name": "prices", "versions": ARMS, "policy": policy, "reward": "label"}
    ledger = project.ledger()
    champion = ledger.champion(project.name)
    assert champion is not None
    return bandits.start(ledger, project.name, Plan(**(given | about)), champion, by="Ada", reason="three of them")


def answer(
    project: Project, n: int, *, visits: Sequence[int] | None = None, fallen: Mapping[int, str] | None = None
) -> list[tuple[str, str]]:
    """Log rows as a service does that routes by the rule which stands; return the id and the drawn arm of each.

    Parameters
    ----------
    visits : the key of each row, by which it is kept with its arm if the rule says so.
    fallen : why rows fell back, by their place.
    """
    rule = traffic.standing(project.ledger(), project.name)
    assert rule is not None
    log = PredictionLog(project.settings.predictions)
    ids = log.new_ids(n)
    keys = list(range(n)) if visits is None else list(visits)
    arms = [drawn(rule, str(key) if rule.unit else name) for name, key in zip(ids, keys, strict=True)]
    log.append(
        columns_of(project.contract),
        [
            row(name, key, rule, arm.name, arm.share, (fallen or {}).get(place))
            for place, (name, key, arm) in enumerate(zip(ids, keys, arms, strict=True))
        ],
    )
    log.close()
    return [(name, arm.name) for name, arm in zip(ids, arms, strict=True)]


def row(name: str, key: int, rule: Traffic, arm: str, share: float, why: str | None = None) -> Logged:
    """Return the record of a row of visits that an arm was drawn for."""
    return Logged(
        name,
        time.time_ns() // 1_000,
        "visits",
        1 if why else {each.name: each.version for each in rule.arms}[arm],
        "ab" * 32,
        [LONG_AGO, 1.0 + key % 7, 2.0 + key % 3],
        [key],
        LONG_AGO,
        label=key % 2 == 0,
        probability=0.7 if key % 2 == 0 else 0.3,
        variant="champion" if why else arm,
        propensity=share,
        traffic_rule=f"{rule.rule}!{arm}:{why}" if why else rule.rule,
    )


def say(project: Project, labels: Mapping[str, bool]) -> None:
    """Feed back what became of predictions, as it is known now."""
    log = PredictionLog(project.settings.predictions)
    now = time.time_ns() // 1_000
    log.append_feedback(
        columns_of(project.contract),
        [
            Feedback(os.urandom(16).hex(), now, "label", prediction_id=name, label=label)
            for name, label in labels.items()
        ],
    )
    log.close()


def chance(seed: int, answered: Sequence[tuple[str, str]], rates: Mapping[str, float] = RATES) -> dict[str, bool]:
    """Return what becomes of predictions by the rate of their arm."""
    rng = np.random.default_rng(seed)
    return {name: bool(rng.random() < rates[arm]) for name, arm in answered}
