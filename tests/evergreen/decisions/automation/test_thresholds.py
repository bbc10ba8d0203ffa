"""The threshold of automatic answers: exact where arithmetic says so, and it keeps its promise on rows in clusters."""

import automated
import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict

from evergreen.decisions.automation.thresholds import BEGINS, PARTS, choose, sureness
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates


def alone(n):
    return Clusters("row", np.arange(n))


@pytest.mark.parametrize(
    ("estimates", "threshold", "expected"),
    [
        (Estimates("binary", np.array([0.1, 0.3, 0.9])), 0.3, [0.9, 0.3, 0.9]),
        (Estimates("multiclass", np.array([[0.2, 0.7, 0.1]]), ("a", "b", "c")), 0.5, [0.7]),
    ],
)
def test_sureness_is_the_probability_of_the_answer_that_is_given(estimates, threshold, expected):
    assert sureness(estimates, threshold).tolist() == pytest.approx(expected)


def test_nothing_says_how_sure_a_number_is():
    with pytest.raises(ValueError, match="how sure a number is"):
        sureness(Estimates("regression", np.array([1.0])), 0.5)


def test_bound_of_independent_rows_is_that_of_clopper_and_pearson_at_its_part_of_the_error():
    n = 4_000
    sure = np.linspace(1, 0.5, n)
    wrong = np.zeros(n, dtype=bool)
    wrong[100:2_000:50] = True  # 38 of the first half
    wrong[2_000:] = True
    found = choose(sure, wrong, alone(n), error=0.05, confidence=0.95)

    assert found.share == 0.5
    assert found.wrong == 38 / 2_000
    exact = stats.binomtest(38, 2_000).proportion_ci(1 - 2 * 0.05 / len(BEGINS), "exact").high
    assert found.at_most == pytest.approx(exact, rel=0.03)
    assert sure[2_000] < found.least < sure[1_999]
    assert (sure >= found.least).sum() == 2_000


def test_rows_of_one_sureness_are_all_in_or_all_out():
    sure = np.repeat([0.99, 0.9, 0.6], [1_000, 1_500, 1_500])
    wrong = np.concatenate([np.arange(1_000) % 100 == 0, np.arange(1_500) % 20 == 0, np.arange(1_500) % 2 == 0])
    assert choose(sure, wrong, alone(4_000), error=0.03, confidence=0.95).least == pytest.approx(0.945)
    assert choose(sure, wrong, alone(4_000), error=0.05, confidence=0.95).least == pytest.approx(0.75)
    assert choose(sure, wrong, alone(4_000), error=0.5, confidence=0.95).share == 1


@pytest.mark.parametrize(
    ("sure", "wrong"),
    [
        (np.full(2_000, 0.9), np.arange(2_000) % 2 == 0),  # nothing keeps it
        (np.linspace(0.5, 1, 40), np.zeros(40, dtype=bool)),  # too few to show it
        (np.empty(0), np.empty(0, dtype=bool)),
        (np.full(200, np.nan), np.zeros(200, dtype=bool)),
    ],
)
def test_where_nothing_shows_it_no_answer_is_automatic(sure, wrong):
    found = choose(sure, wrong, alone(len(sure)), error=0.02, confidence=0.95)
    assert (found.least, found.share, found.at_most) == (None, 0, None)
    assert "no part of" in found.evidence


def test_few_days_show_nothing_however_many_rows_they_have():
    n = 14_000
    clusters = Clusters("day", np.arange(n) // 1_000, in_time=True)
    found = choose(np.linspace(0.5, 1, n), np.arange(n) % 500 == 0, clusters, error=0.05, confidence=0.95)
    assert found.least is None
    assert "at least 15 days are needed" in found.evidence


def test_more_rows_and_less_that_is_promised_refer_less():
    rng = np.random.default_rng(3)
    many = automated.rows(rng, "row", 8_000, hang=0, overconfident=0)
    few = automated.Judged(many.sure[:1_500], many.wrong[:1_500], alone(1_500))
    shares = [
        choose(*given, error=error, confidence=0.95).share for given, error in [(few, 0.1), (many, 0.1), (many, 0.2)]
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


KINDS = [("row", 0.0, 3_000), ("patient", 0.7, 3_000), ("day", 0.4, 3_000), ("day", 0.8, 3_000), ("day", 0.8, 1_500)]


def broken(kind, hang, n, *, overconfident, runs):
    """Return in how many campaigns more than promised of new rows was wrong, and the mean share that was automatic."""
    truth = automated.Truth(kind, hang=hang, overconfident=overconfident)
    n_broken, shares = 0, []
    for seed in range(runs):
        given = automated.rows(np.random.default_rng(seed), kind, n, hang=hang, overconfident=overconfident)
        found = choose(*given, error=0.1, confidence=0.95)
        n_broken += found.least is not None and truth.error(found.least) > 0.1
        shares.append(0.0 if found.least is None else truth.share(found.least))
    return n_broken, float(np.mean(shares))


@pytest.mark.parametrize(("kind", "hang", "n"), KINDS)
def test_promise_holds_in_a_thinned_campaign(kind, hang, n):
    n_broken, share = broken(kind, hang, n, overconfident=0.0, runs=30)
    assert n_broken <= 2
    assert share > (0.1 if hang > 0.7 else 0.25) or n < 3_000


@pytest.mark.long
@pytest.mark.parametrize("overconfident", [0.0, 0.5])
@pytest.mark.parametrize(("kind", "hang", "n"), KINDS)
def test_promise_holds_in_95_percent_of_200_campaigns(kind, hang, n, overconfident):
    n_broken, share = broken(kind, hang, n, overconfident=overconfident, runs=200)
    print(f"{kind} {hang} {n} {overconfident}: broken in {n_broken} of 200, {share:.1%} automatic")
    assert n_broken <= 10


def of_a_model(seed):
    """Return the error of a fitted model on new rows above a threshold that its folds were asked for; 0 without one."""
    rng = np.random.default_rng(seed)
    weights = np.array([2.0, -1.5, 1.0, 0.0, 0.0])

    def rows(n):
        inputs = rng.normal(size=(n, 5))
        return inputs, rng.random(n) < 1 / (1 + np.exp(-(inputs @ weights)))

    inputs, target = rows(2_500)
    model = LogisticRegression()
    said = cross_val_predict(model, inputs, target, cv=KFold(5), method="predict_proba")[:, 1]
    sure = sureness(Estimates("binary", said), 0.5)
    found = choose(sure, (said >= 0.5) != target, alone(len(target)), error=0.05, confidence=0.95)
    if found.least is None:
        return 0.0
    new, true = rows(40_000)
    likely = model.fit(inputs, target).predict_proba(new)[:, 1]
    taken = sureness(Estimates("binary", likely), 0.5) >= found.least
    return float(((likely >= 0.5) != true)[taken].mean())


def test_promise_of_the_folds_of_tuning_holds_for_the_model_that_is_fitted_on_all_of_them():
    errors = [of_a_model(seed) for seed in range(10)]
    assert sum(error > 0.05 for error in errors) <= 1


@pytest.mark.long
def test_promise_of_the_folds_of_tuning_holds_in_95_percent_of_200_models():
    errors = [of_a_model(seed) for seed in range(200)]
    n_broken = sum(error > 0.05 for error in errors)
    print(f"broken in {n_broken} of 200 models, mean error {np.mean(errors):.4f}")
    assert n_broken <= 10


def test_parts_begin_where_there_are_any():
    assert max(BEGINS) < PARTS
