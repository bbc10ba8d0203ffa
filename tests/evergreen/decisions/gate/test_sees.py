"""What a gate can tell apart: held against draws, and inverted."""

import numpy as np
import pytest
from gates import World
from scipy import stats

from evergreen.decisions.gate.paired import compare
from evergreen.decisions.gate.sees import POWER, clusters_needed, exceeds, sees
from evergreen.learning.evaluation.clusters import ClusteredError

ROWS = ClusteredError(0.004, 4_999.0, 5_000, 5_000.0, 0.0)
DAYS = ClusteredError(0.006, 13.0, 14, 14.0, 0.0)


def drawn(world, seed=1, aucs=(0.7, 0.7)):
    rows, models = world.draw(np.random.default_rng(seed), *aucs)
    return compare("roc_auc", rows, *models)


@pytest.mark.parametrize("error", [ROWS, DAYS])
@pytest.mark.parametrize("distance", [-0.01, 0.0, 0.01, 0.02])
def test_probability_is_the_share_of_draws_that_are_beyond_the_limit(error, distance):
    rng = np.random.default_rng(2)
    estimates = distance + error.se * rng.normal(size=200_000)
    errors = error.se * np.sqrt(rng.chisquare(error.df, size=200_000) / error.df)

    share = (estimates > stats.t.isf(0.05, error.df) * errors).mean()

    assert exceeds(error, distance, 0.05) == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize(
    ("error", "distance", "alpha", "expected"),
    [
        (ROWS, 0.5, 0.05, 1.0),
        (ROWS, -0.5, 0.05, 0.0),
        (ROWS, 0.01, 0.0, 0.0),  # no error may be made
        (ROWS._replace(df=0.0), 0.01, 0.05, 0.0),
        (ROWS._replace(se=0.0), 0.01, 0.05, 1.0),
        (ROWS._replace(se=0.0), 0.0, 0.05, 0.0),
    ],
)
def test_probability_at_the_ends(error, distance, alpha, expected):
    assert exceeds(error, distance, alpha) == expected


@pytest.mark.parametrize("error", [ROWS, DAYS])
def test_clusters_needed_are_the_fewest_that_show_it(error):
    needed = clusters_needed(error, 0.005, 0.05)

    def power(n):
        scaled = ClusteredError(error.se * (error.n / n) ** 0.5, n - 1.0, n, float(n), 0.0)
        return exceeds(scaled, 0.005, 0.05)

    assert power(needed) >= POWER > power(needed - 1)


@pytest.mark.parametrize(("distance", "alpha"), [(0.0, 0.05), (-0.01, 0.05), (1e-7, 0.05), (0.01, 0.0)])
def test_no_number_of_clusters_shows_what_is_none_or_too_small(distance, alpha):
    assert clusters_needed(ROWS, distance, alpha) is None


def test_detects_is_the_loss_that_is_refused_with_80_percent():
    said = sees(drawn(World(5_000)), rule="refresh", margin=0.01, alpha=0.05, level=0.05)

    error = drawn(World(5_000)).error
    assert exceeds(error, said.detects - 0.01, 0.05) == pytest.approx(POWER, abs=0.001)
    assert said.needed == clusters_needed(error, 0.01, 0.05)


def test_loss_of_the_margin_is_refused_with_alpha_and_a_gain_of_none_promoted_with_the_level():
    said = sees(drawn(World(5_000)), rule="superiority", margin=0.01, alpha=0.05, level=0.001)

    assert [seen.by for seen in said.worse] == [0.01, 0.03]
    assert said.worse[0].probability == pytest.approx(0.05, abs=0.001)
    assert said.better[0].probability == exceeds(drawn(World(5_000)).error, 0.01, 0.001)
    assert said.better[1].probability > said.better[0].probability


def test_days_that_hang_together_see_less():
    apart = ClusteredError(0.006, 29.0, 30, 30.0, 0.0)
    together = ClusteredError(0.006, 14.0, 30, 15.0, 1 / 3)

    assert exceeds(together, 0.01, 0.05) < exceeds(apart, 0.01, 0.05)


def test_rows_that_say_too_little_see_nothing():
    few = drawn(World(200, days=5))

    assert few.why_not
    assert sees(few, rule="refresh", margin=0.01, alpha=0.05, level=0.05) is None


def test_equal_models_see_nothing():
    rows, (model,) = World(500).draw(np.random.default_rng(3), 0.7)

    same = compare("roc_auc", rows, model, model)

    assert sees(same, rule="refresh", margin=0.01, alpha=0.05, level=0.05) is None


def test_text_of_a_refresh_says_what_is_refused_and_that_of_superiority_what_is_shown():
    paired = drawn(World(5_000, days=30))._replace(error=ClusteredError(0.006, 14.0, 30, 15.0, 1 / 3))
    given = {"margin": 0.01, "alpha": 0.05}

    refresh = sees(paired, rule="refresh", level=0.05, **given)
    superiority = sees(paired, rule="superiority", level=0.005, **given)

    assert refresh.text == (
        "with these 30 days (which hang together and count as 15) a model that is worse is refused: 1 pp in 5%, "
        f"3 pp in {refresh.worse[1].probability:.0%}; 80% for {refresh.detects * 100:.1f} pp; "
        f"80% for 2 pp needs {refresh.needed}"
    )
    assert superiority.text == (
        "with these 30 days (which hang together and count as 15) a model that is better is shown to be so: 1 pp in "
        f"{superiority.better[0].probability:.0%}, 3 pp in {superiority.better[1].probability:.0%}"
    )
