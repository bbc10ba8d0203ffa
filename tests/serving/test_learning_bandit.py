"""A bandit through the service: rows are routed by its shares, labels come back over HTTP, and the shares follow."""

from types import SimpleNamespace

import divided
import numpy as np
import promoted
import pytest
import released
from scipy import stats

from evergreen.decisions.experiments.bandits import Thompson
from evergreen.record import bandits
from evergreen.record.bandits import Plan
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.other_policies import evaluated, rewarded, split_of
from flows import bandit

RATES = {1: 0.10, 2: 0.60, 3: 0.12}
ROUNDS, ROWS = 4, 500


@pytest.fixture
def serving(tmp_path, project):
    with promoted.serving(tmp_path / "home", project) as serving:
        for version in (2, 3):
            divided.register(serving.settings, serving.package(version))
        yield serving


def test_bandit_learns_through_the_service_and_its_records_evaluate_every_arm(serving):
    settings, chance = serving.settings, np.random.default_rng(11)
    ledger = Ledger.open(settings)
    opened = SimpleNamespace(ledger=lambda: ledger, name="parcels", settings=settings)
    plan = Plan(
        name="prices", versions={"champion": 1, "B": 2, "C": 3}, policy=Thompson(floor=0.05), reward="label",
        unit=("parcel",), slow_ms=5_000,
    )  # fmt: skip
    begun = bandits.start(ledger, "parcels", plan, ledger.champion("parcels"), by="Ada", reason="three")
    row, shares = released.requests(1)[0], []
    for turn in range(ROUNDS):
        serving.reload()
        rule = bandits.named(ledger, "parcels", "prices").rules[-1]
        shares.append(rule.shares["B"])
        parcels = range(turn * ROWS, (turn + 1) * ROWS)
        answer = serving.client.post("/predict", json={"rows": [{**row, "parcel": parcel} for parcel in parcels]})
        assert answer.status_code == 200, answer.text
        answered = answer.json()["predictions"]
        hits = sum(each["version"] == 2 for each in answered)
        low, high = stats.binom.interval(0.99, ROWS, rule.shares["B"])
        assert low <= hits <= high
        said = [
            {"prediction_id": each["prediction_id"], "label": bool(chance.random() < RATES[each["version"]])}
            for each in answered
        ]
        back = serving.client.post("/feedback", json={"feedback": said})
        assert back.status_code == 200, back.text
        found = bandit.learn(opened)
        assert found.taken.new == ROWS
    assert shares[0] == pytest.approx(1 / 3)
    assert shares[-1] == pytest.approx(0.9, abs=0.001)

    whose = bandits.named(ledger, "parcels", "prices")
    by_rule = {rule.rule: rule.shares for rule in whose.rules}
    records = divided.records(settings.home)
    assert len(records) == ROUNDS * ROWS
    for record in records:
        assert record["propensity"] == by_rule[record["traffic_rule"]][record["variant"]]
        assert plan.versions[record["variant"]] == record["version"]
    split = split_of(ledger, "parcels", "prices", reward=None)
    as_of = max(record["received_at"] for record in records).replace(year=2099)
    known = rewarded(settings.predictions, ledger, "parcels", split, as_of=as_of)
    for arm, version in plan.versions.items():
        found = evaluated(known, split, f"always:{arm}", contract=released.CONTRACT)
        assert found.n == ROUNDS * ROWS
        assert found.doubly_robust.low < RATES[version] < found.doubly_robust.high, arm
    bandits.stop(ledger, "parcels", begun, ledger.champion("parcels"), by="Ada", reason="done")
    serving.reload()
    assert serving.answered() == 1
