"""A project of visits with a second version, and days of traffic that a service would have logged by a rule."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from evergreen.adapters.packaging import building
from evergreen.decisions.rollout.traffic import CHAMPION, drawn, fallen
from evergreen.project import Project
from evergreen.record import traffic
from evergreen.record.outcomes import VersionFacts, version_facts
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, Shadowed, columns_of
from tasks import mirror

US = timedelta(microseconds=1)
EPOCH = datetime.fromtimestamp(0, UTC)
DIGEST = "ab" * 32


def another(project: Project, version: int = 2) -> VersionFacts:
    """Register another version, that the gate agreed to and nobody promoted: the first one's model."""
    ledger = project.ledger()
    first = version_facts(ledger, project.name, 1)
    assert first is not None
    judged = first.judged.model_copy(update={"version": version, "verdict": "proposed", "promoted_at": None})
    made = first.model_copy(update={"version": version, "judged": judged})
    ledger.record(project.name, "version", str(version), made.model_dump(mode="json"))
    return made


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no package be built and no tracker be told."""
    monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
    monkeypatch.setattr(building, "build", lambda *_, **__: None)


@dataclass
class Town:
    """Visitors who come again and again, on days that are harder or easier for both versions, and for each of them.

    `wrong`, `wrong_new`: the share of rows that each version gets wrong. `together`: of the rows, on how many the two
    are wrong alike. `shock`: the standard deviation of a day's share, and `own_shock` of that of the new version alone.
    `ms`, `ms_new`: how long each of them takes, on average. `broken`: the share of requests in which the new version
    raises. `people`: of the rows that somebody decides, the share that they get right; None where nobody does.
    """

    project: Project
    rows: int = 400
    visitors: int = 150
    wrong: float = 0.2
    wrong_new: float = 0.2
    together: float = 0.8
    shock: float = 0.03
    own_shock: float = 0.0
    ms: float = 3.0
    ms_new: float = 3.0
    broken: float = 0.0
    people: float | None = None
    seed: int = 7
    labels: float = 1.0
    days: int = 0
    answered_new: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._log = PredictionLog(self.project.settings.predictions)
        self._columns = columns_of(self.project.contract)
        self._moods = self._rng.normal(0, 0.05, self.visitors)

    @property
    def now(self) -> datetime:
        """Return the time at which all labels of all days so far are due."""
        return self.began + timedelta(days=self.days + 3)

    def day(self) -> None:
        """Let a day's rows be answered as the standing rule says, and their labels come."""
        rng, n = self._rng, self.rows
        rule = traffic.standing(self.project.ledger(), self.project.name)
        start = (self.began + timedelta(days=self.days) - EPOCH) // US
        self.days += 1
        who = rng.integers(0, self.visitors, n)
        hard = self._moods[who] + rng.normal(0, self.shock)
        draw = rng.random(n)
        other = np.where(rng.random(n) < self.together, draw, rng.random(n))
        truth = rng.random(n) < 0.5
        old = truth ^ (draw < self.wrong + hard)
        new = truth ^ (other < self.wrong_new + hard + rng.normal(0, self.own_shock))
        ms, ms_new = rng.lognormal(np.log(self.ms), 0.3, n), rng.lognormal(np.log(self.ms_new), 0.3, n)
        breaks = rng.random(n) < self.broken
        ids = self._log.new_ids(n)
        logged, shadowed, said = [], [], []
        for at, name in enumerate(ids):
            event = start + int(at / n * 86_400_000_000)
            label, took, variant, propensity, by = bool(old[at]), ms[at], CHAMPION, 1.0, None
            if rule is not None and rule.mode == "split":
                arm = drawn(rule, str(who[at]))
                variant, propensity, by = arm.name, arm.share, rule.rule
                if variant != CHAMPION:
                    slow = rule.slow_ms is not None and ms_new[at] > rule.slow_ms
                    if breaks[at] or slow:
                        by = fallen(rule.rule, variant, "error" if breaks[at] else "slow")
                        took += rule.slow_ms if slow and rule.slow_ms else 0.0
                        variant = CHAMPION
                    else:
                        label, took = bool(new[at]), ms_new[at]
                    self.answered_new += variant != CHAMPION
            elif rule is not None:
                shadowed.append(self._shadow(name, event, rule.rule, new[at], ms_new[at], breaks[at]))
            logged.append(
                Logged(
                    name,
                    event + 1000,
                    "visits",
                    1 if variant == CHAMPION else 2,
                    DIGEST,
                    features=(event, 1.0, 1.0),
                    keys=(int(who[at]),),
                    event_us=event,
                    label=label,
                    probability=0.8 if label else 0.2,
                    variant=variant,
                    propensity=propensity,
                    decision="positive" if label else "negative",
                    rule="threshold",
                    latency_us=int(took * 1000),
                    request_id=name[:16],
                    traffic_rule=by,
                )
            )
            if rng.random() < self.labels:
                known = event + 86_400_000_000
                said.append(Feedback(os.urandom(16).hex(), known, "label", name, label=bool(truth[at]), known_us=known))
            if self.people is not None:
                right = rng.random() < self.people
                decision = "positive" if truth[at] == right else "negative"
                said.append(Feedback(os.urandom(16).hex(), event, "decision", name, decision=decision))
        self._log.append(self._columns, logged)
        self._log.append_shadows(self._columns, shadowed)
        self._log.append_feedback(self._columns, said)

    def _shadow(self, name: str, event: int, rule: str, label: bool, ms: float, breaks: bool) -> Shadowed:
        about = {"label": bool(label), "probability": 0.8 if label else 0.2} if not breaks else {"error": "ValueError"}
        return Shadowed(
            name, event + 2000, "visits", 2, DIGEST, "challenger", latency_us=int(ms * 1000), traffic_rule=rule, **about
        )

    def close(self) -> None:
        self._log.close()
