"""GT004 and GT005: what a rule says of a candidate against the champion, and against those before it."""

from types import SimpleNamespace

import numpy as np
import pytest
from gates import POLICY, World, contender, held, rival

from evergreen.decisions.gate.checks import champion
from evergreen.decisions.gate.evidence import Rival
from evergreen.decisions.gate.paired import compare

WORLD = World(5_000)


def drawn(*aucs, world=WORLD, seed=1):
    rows, models = world.draw(np.random.default_rng(seed), *aucs)
    return SimpleNamespace(rows=rows, models=models)


def checked(*aucs, rule="refresh", level=0.05, world=WORLD, seed=1, **policy):
    drew = drawn(*aucs, world=world, seed=seed)
    policy = POLICY.model_copy(update=policy)
    ours, theirs = drew.models
    return held(drew.rows, contender(ours), rival(theirs), policy=policy, rule=rule, level=level)


@pytest.mark.parametrize(
    ("rule", "aucs", "margin", "outcome", "said"),
    [
        ("refresh", (0.73, 0.70), 0.01, "passed", "against version 4: better, or equal within 0.01"),
        ("refresh", (0.70, 0.70), 0.01, "passed", "against version 4: better, or equal within 0.01"),
        ("refresh", (0.67, 0.70), 0.01, "failed", "against version 4: shown to be worse by more than 0.01"),
        ("refresh", (0.69, 0.70), 0.01, "inconclusive", "against version 4: cannot be told by more than 0.01"),
        ("superiority", (0.73, 0.70), 0.01, "passed", "against version 4: shown to be better"),
        ("superiority", (0.70, 0.73), 0.01, "failed", "against version 4: shown not to be better by more than 0.01"),
        ("superiority", (0.70, 0.70), 0.0, "inconclusive", "against version 4: not shown to be better"),
        ("superiority", (0.70, 0.70), 0.03, "failed", "against version 4: shown not to be better by more than 0.03"),
    ],
)
def test_rule_answers_what_it_says(rule, aucs, margin, outcome, said):
    check = checked(*aucs, rule=rule, champion_margin=margin)

    assert (check.name, check.code, check.outcome) == ("champion", "GT004", outcome)
    assert check.text.endswith(f" {said}")
    assert np.sign(check.evidence["gain"]) == np.sign(aucs[0] - aucs[1]) or aucs[0] == aucs[1]
    assert (check.would_change == "") == (outcome == "passed")


@pytest.mark.parametrize("rule", ["refresh", "superiority"])
def test_champion_and_candidate_are_not_confused(rule):
    better, worse = checked(0.75, 0.70, rule=rule), checked(0.70, 0.75, rule=rule)

    assert (better.outcome, worse.outcome) == ("passed", "failed")
    assert better.evidence["gain"] > 0.03
    assert worse.evidence["gain"] < -0.03
    assert better.evidence["ours"] > better.evidence["theirs"]


@pytest.mark.parametrize("rule", ["refresh", "superiority"])
def test_answer_is_that_of_the_interval(rule):
    answers = set()
    for seed in range(40):
        drew = drawn(0.695, 0.70, world=World(1_000), seed=seed)
        paired = compare("roc_auc", drew.rows, *drew.models)
        check = checked(0.695, 0.70, rule=rule, level=0.1, world=World(1_000), seed=seed)
        low, high = paired.low(0.1), paired.high(0.05)
        if rule == "refresh":
            expected = "passed" if low >= -0.01 else "failed" if high < -0.01 else "inconclusive"
        else:
            expected = "passed" if low > 0 else "failed" if high <= 0.01 else "inconclusive"
        assert check.outcome == expected
        answers.add(expected)
    assert len(answers) > 1


def test_evidence_holds_the_numbers_that_decided():
    check = checked(0.73, 0.70, level=0.02)

    assert {"metric", "ours", "theirs", "gain", "se", "n", "n_effective", "rows", "level", "alpha"} <= set(
        check.evidence
    )
    assert (check.evidence["level"], check.evidence["alpha"]) == (0.02, pytest.approx(0.05))
    assert (check.evidence["unit"], check.evidence["n"]) == ("row", 5_000)


def test_inconclusive_says_how_many_rows_would_tell():
    check = checked(0.72, 0.70, rule="superiority", level=1e-4, world=World(1_000))
    needed = check.evidence["needed"]

    assert check.outcome == "inconclusive"
    assert needed > 1_000
    assert check.would_change == f"{needed:.0f} such rows, which tell with 80 %"


def test_difference_that_no_number_of_rows_shows_says_so():
    given = {"rule": "superiority", "level": 0.001, "world": World(500), "champion_margin": 0.0}
    check = min(
        (checked(0.70, 0.70, seed=seed, **given) for seed in range(20)), key=lambda check: abs(check.evidence["gain"])
    )

    assert check.outcome == "inconclusive"
    assert check.evidence["needed"] is None
    assert check.would_change == "more rows than can be had: the difference is too small"


@pytest.mark.parametrize("rule", ["refresh", "superiority"])
def test_same_model_again_is_equal_and_not_better(rule):
    drew = drawn(0.7)
    policy = POLICY.model_copy(update={"champion_margin": 0.0})

    check = held(drew.rows, contender(drew.models[0]), rival(drew.models[0]), policy=policy, rule=rule, level=0.05)

    assert check.outcome == {"refresh": "passed", "superiority": "failed"}[rule]
    assert check.evidence["gain"] == 0


def test_model_in_service_is_as_good_as_itself_on_however_few_rows():
    drew = World(5_000, days=2).draw(np.random.default_rng(3), 0.7)
    rows, (same,) = drew

    check = held(rows, contender(same), rival(same), policy=POLICY, rule="refresh", level=0.05)

    assert (check.outcome, check.text) == ("passed", "against version 4: it says the same of every row")


def test_level_of_none_passes_nobody_and_names_the_next_campaign():
    better = checked(0.80, 0.70, rule="superiority", level=0.0)
    worse = checked(0.70, 0.80, rule="superiority", level=0.0)

    assert (better.outcome, worse.outcome) == ("inconclusive", "failed")
    assert better.would_change == "the next campaign: this one has no error left to give"


def test_opposite_models_without_spread_are_told_apart():
    labels = np.arange(100) < 50
    drew = drawn(0.7, world=World(100))
    rows = type(drew.rows)(labels, drew.rows.clusters)
    right, wrong = (type(drew.models[0])("binary", np.where(labels == sense, 0.9, 0.1)) for sense in (True, False))
    given = {"policy": POLICY, "rule": "refresh", "level": 0.05}

    check = held(rows, contender(wrong), rival(right), **given)

    assert (check.outcome, check.evidence["gain"], check.evidence["se"]) == ("failed", -1, 0)
    assert held(rows, contender(right), rival(wrong), **given).outcome == "passed"


@pytest.mark.parametrize("rule", ["first", "refresh"])
def test_first_model_has_no_champion(rule):
    drew = drawn(0.7)
    other = None if rule == "refresh" else rival(drew.models[0])

    check = held(drew.rows, contender(drew.models[0]), other, policy=POLICY, rule=rule, level=0.05)

    assert (check.outcome, check.text) == ("not applicable", "there is no champion to compare with")


@pytest.mark.parametrize("why_not", ["it has seen data until 2013-05-01", ""])
def test_champion_that_cannot_be_compared_fails_and_says_what_a_person_can_do(why_not):
    drew = drawn(0.7)

    check = held(
        drew.rows, contender(drew.models[0]), rival(None, why_not=why_not), policy=POLICY, rule="refresh", level=0.05
    )

    assert check.outcome == "failed"
    assert check.text == f"cannot be compared with version 4: {why_not or 'no numbers'}"
    assert "--new-lineage" in check.would_change


def test_too_few_days_are_inconclusive_and_name_the_parameter():
    check = checked(0.80, 0.70, world=World(5_000, days=7))

    assert check.outcome == "inconclusive"
    assert check.text == "cannot be told against version 4: 7 days; at least 8 are needed"
    assert "features.test_days" in check.would_change
    assert check.evidence["n"] == 7


def test_rows_that_the_champion_has_seen_do_not_count():
    drew = drawn(0.7, 0.7)
    unseen = np.arange(5_000) >= 2_000
    ours, theirs = drew.models
    by_heart = type(theirs)("binary", np.where(unseen, theirs.values, drew.rows.labels * 0.9 + 0.05))
    given = {"policy": POLICY, "rule": "refresh", "level": 0.05}

    on_all = held(drew.rows, contender(ours), rival(by_heart), **given)
    on_unseen = held(drew.rows, contender(ours), rival(by_heart, usable=unseen), **given)

    assert on_all.outcome == "failed"
    assert on_unseen.outcome != "failed"
    assert on_unseen.evidence["rows"] == 3_000


def former(*aucs, seed=2, world=WORLD, usable=None):
    drew = drawn(*aucs, world=world, seed=seed)
    ours, *others = drew.models
    rivals = [Rival(f"version {at}", said, usable) for at, said in enumerate(others, 1)]
    return champion.check_former(drew.rows, contender(ours), rivals, policy=POLICY)


def test_candidate_that_is_no_worse_than_former_champions_passes():
    check = former(0.70, 0.69, 0.70)

    assert (check.name, check.code, check.outcome, check.would_change) == ("former champion", "GT005", "passed", "")
    assert "the best of 2 before the champion" in check.text


def test_candidate_that_is_shown_to_be_worse_than_a_former_champion_fails_and_names_it():
    check = former(0.66, 0.65, 0.72, 0.68)

    assert check.outcome == "failed"
    assert "against version 2" in check.text
    assert check.evidence["gain"] < -0.03
    assert check.would_change == "an interval that reaches -0.01"


def test_error_is_shared_among_former_champions():
    rows, (ours, *others) = WORLD.draw(np.random.default_rng(2), 0.70, 0.69, 0.72)
    best = compare("roc_auc", rows, ours, others[1])

    shown = f"[{best.low(0.025):+.4f}, {best.high(0.025):+.4f}] against version 2"
    assert shown in former(0.70, 0.69, 0.72).text


def test_loss_within_the_margin_of_a_former_champion_is_none():
    assert former(0.695, 0.70, world=World(50_000)).outcome == "passed"
    assert former(0.67, 0.70, world=World(50_000)).outcome == "failed"


@pytest.mark.parametrize("rivals", [(), (rival(None, why_not="its scores are lost"),)])
def test_former_champions_that_cannot_be_compared_are_not_applicable(rivals):
    drew = drawn(0.7)

    check = champion.check_former(drew.rows, contender(drew.models[0]), rivals, policy=POLICY)

    assert (check.outcome, check.text) == ("not applicable", "no former champion can be compared")


def test_former_champion_that_has_seen_the_rows_is_not_compared():
    assert former(0.66, 0.80, usable=np.zeros(5_000, dtype=bool)).outcome == "not applicable"
