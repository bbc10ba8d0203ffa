"""What is said of the proposed gate before anything is trained, and that it comes true."""

from collections import Counter
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
import yaml
from proposals import NOW, frame, proposed

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate import decision as gate
from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import compare
from evergreen.decisions.gate.verdict import Answer
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.proposal import drafts
from evergreen.proposal.rates import AGREEMENT, rates
from evergreen.proposal.sizing import Shape, params_for

SMALL = Shape(task="binary", rows=569, features=5, classes={"yes": 300, "no": 269})
OLD_MARGIN = 0.084  # what was proposed for such a table: twice the noise of 142 gate rows
GATES = 120
SHIFT, LESS = 1.190, 1.045  # between the means of two normal distributions, for a ROC AUC of 0.80 and of 0.77
SHARED = 0.95  # of a score's noise: with it, what rows contribute to both agrees as AGREEMENT says


def test_rates_are_said_where_they_are_read():
    proposal = proposed(frame(), target="target")
    text = drafts.params_text(proposal.params, {"gate": proposal.gate})
    above = text.partition("\ngate:")[0].rpartition("\n\n")[2].splitlines()
    assert above == [f"# {said}" for said in proposal.gate]
    assert yaml.safe_load(text)["gate"]["champion_margin"] == 0.01


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (SMALL, ["about 142 independent gate rows: on newer rows", "1 pp in about 5%, 3 pp in about 28%"]),
        (SMALL, ["80% of those that are 3 pp worse needs about 775 rows", "gate.when_unclear decides (newer)"]),
        (
            Shape("binary", 90_000, 9, {}, days=90, test_days=18, days_with_rows=18, test_rows=18_000),
            ["about 180 independent gate rows (18 days)", "3 pp worse needs about 79 days"],
        ),
        (
            Shape("binary", 90_000, 9, {}, days=20, test_days=4, days_with_rows=4, test_rows=18_000),
            ["4 days of gate rows cannot tell", "a changed recipe is not promoted"],
        ),
        (Shape("multiclass", 30, 9, {}), ["about 8 independent gate rows"]),
        (Shape("regression", 12, 9, {}), ["3 rows of gate rows cannot tell"]),
    ],
)
def test_rates_are_those_of_the_rows_that_the_gate_gets(shape: Shape, said: list[str]):
    text = "\n".join(rates(shape, params_for(shape, dataset="rows").gate, now=NOW))
    assert [part for part in said if part not in text] == []


@cache
def gates() -> tuple[tuple[GateRows, Estimates, Estimates], ...]:
    """Return gates of 142 rows: a champion's estimates of them, and those of a model that is worse by 3 pp."""
    rng = np.random.default_rng(7)
    labels = np.arange(142) % 2 == 0
    rows = GateRows(labels, Clusters("row", np.arange(142)))
    made = []
    for _ in range(GATES):
        shared, *own = SHARED * rng.normal(size=142), *(1 - SHARED**2) ** 0.5 * rng.normal(size=(2, 142))
        scores = [labels * shift + shared + one for shift, one in zip((SHIFT, LESS), own, strict=True)]
        champion, worse = (Estimates("binary", 1 / (1 + np.exp(SHIFT / 2 - score))) for score in scores)
        made.append((rows, champion, worse))
    return tuple(made)


def answers(policy: GateParams, rule: Rule) -> dict[Answer, float]:
    """Return how often the gate gave each answer on the model that is worse."""
    now, counts = datetime(2026, 1, 1, tzinfo=UTC), Counter[Answer]()
    for rows, champion, worse in gates():
        question = gate.Question(rule, rows, policy, now, champion=Rival("version 1", champion))
        contender = Contender("model", "logistic", worse, metrics={"roc_auc": 0.77})
        counts[gate.decide(question, [contender]).verdict] += 1
    return {answer: n / GATES for answer, n in counts.items()}


def test_simulated_models_agree_as_the_rates_take_it():
    compared = [compare("roc_auc", rows, worse, champion) for rows, champion, worse in gates()]
    assert np.mean([paired.gain for paired in compared]) == pytest.approx(-0.03, abs=0.005)
    expected = 0.5 / 142**0.5 * (2 * (1 - AGREEMENT)) ** 0.5
    assert np.mean([paired.error.se for paired in compared]) == pytest.approx(expected, rel=0.1)


def test_model_that_is_worse_by_3_pp_does_not_pass_the_gate_of_a_small_table():
    """Under the margin of twice the noise it passed in eight of ten gates, whatever had changed.

    With a changed recipe it never passes. On newer rows it passes in none of these, is refused as often as `init`
    says, and what becomes of the rest, which the rows cannot tell, is for `gate.when_unclear` to say.
    """
    before = [compare("roc_auc", rows, worse, champion).low(0.025) > -OLD_MARGIN for rows, champion, worse in gates()]
    policy = params_for(SMALL, dataset="rows").gate
    changed, newer = answers(policy, "superiority"), answers(policy, "refresh")
    assert np.mean(before) == pytest.approx(0.82, abs=0.01)
    assert changed.get("PASS", 0.0) == 0.0
    assert newer.get("PASS", 0.0) <= 0.01
    assert newer["FAIL"] == pytest.approx(0.275, abs=0.01)  # 28 % are said


@pytest.mark.parametrize(
    ("shape", "warned"),
    [
        (Shape("multiclass", 30, 9, {}), True),
        (Shape("regression", 12, 9, {}), True),
        (Shape("regression", 600, 9, {}, groups=2), True),
        (SMALL, False),
        (Shape("regression", 600, 9, {}, groups=20), False),
    ],
)
def test_few_gate_rows_are_warned_of_before_anything_is_trained(shape: Shape, warned: bool):
    text = "\n".join(rates(shape, params_for(shape, dataset="rows").gate, now=NOW))
    assert ("the first model is promoted with a warning" in text) == warned


def test_rates_of_groups_count_groups():
    shape = Shape("binary", 400, 3, {"yes": 200, "no": 200}, groups=15)
    first, second, *_ = rates(shape, params_for(shape, dataset="rows").gate, now=NOW)
    assert "about 100 independent gate rows (15 groups)" in first
    assert "groups;" in second
