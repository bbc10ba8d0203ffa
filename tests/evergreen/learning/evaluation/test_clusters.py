"""Which rows belong together, and how far a sum over them is off: hand arithmetic, Obuchowski's formula, simulation."""

import numpy as np
import pandas as pd
import pytest
import released
import tables
from scipy import signal, stats

from evergreen.config.contract.contract import Contract
from evergreen.learning.evaluation.clusters import Clusters, clustered_error, clusters_of, draws
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import influence, mean_of

ALPHA = 0.05


def by_role(role: str, kind: str = "category") -> Contract:
    """Return a contract of a target and one column of a role, in New York's time."""
    return Contract.model_validate(
        {
            "name": "visits",
            "description": "visits of patients",
            "source": {"kind": "file", "path": "visits.csv"},
            "timezone": "America/New_York",
            "label_delay_days": 0,
            "columns": [
                {"name": "late", "type": "boolean", "role": "target"},
                {"name": "who", "type": kind, "role": role, "nullable": role != "time"},
                {"name": "age", "type": "number", "role": "feature"},
            ],
        }
    )


def test_rows_of_a_group_belong_together_and_a_row_without_one_stands_alone():
    rows = pd.DataFrame({"who": ["b", "a", None, "b", None, "nan"]}, index=[5, 5, 1, 2, 3, 4])
    found = clusters_of(rows, by_role("group"))

    same = found.codes[:, None] == found.codes
    assert same.sum(axis=1).tolist() == [2, 1, 1, 2, 1, 1]
    assert same[0, 3]
    assert (found.unit, found.n, found.in_time) == ("who", 5, False)


def test_rows_of_a_local_day_belong_together_in_the_order_of_time():
    times = ["2024-03-10T04:59:59Z", "2024-03-11T03:59:59Z", "2024-03-10T05:00:00Z", "2024-01-01T00:00:00Z"]
    found = clusters_of(pd.DataFrame({"who": pd.to_datetime(times)}), by_role("time", "timestamp"))

    assert found.codes.tolist() == [1, 2, 2, 0]  # the clocks of New York change on the tenth of March
    assert (found.unit, found.in_time) == ("day", True)


def test_rows_without_group_and_time_are_alone():
    found = clusters_of(tables.table("binary").head(7), tables.contract_of("binary"))

    assert (found.unit, found.codes.tolist(), found.in_time) == ("row", [*range(7)], False)


def test_clusters_of_a_contract_with_time_are_as_many_as_its_days():
    rows = released.table(100)
    found = clusters_of(rows, released.CONTRACT)

    days = rows["handed_in"].dt.tz_convert(released.CONTRACT.timezone).dt.date
    assert found.n == days.nunique()
    assert pd.Series(found.codes).groupby(days.to_numpy()).nunique().eq(1).all()


def test_clusters_of_some_rows_have_no_empty_one():
    some = Clusters("day", np.array([3, 0, 1, 3, 2]), in_time=True).of(np.array([0, 2, 3]))

    assert (some.codes.tolist(), some.n, some.unit, some.in_time) == ([1, 0, 1], 2, "day", True)
    assert Clusters("row", np.arange(4)).of(np.zeros(4, dtype=bool)).n == 0


def test_sums_and_tallies_are_those_of_the_rows():
    clusters = Clusters("day", np.array([1, 0, 1, 1]))
    values = np.array([1.0, 2.0, 4.0, 8.0])

    assert clusters.sums_of(values, values**0).tolist() == [[2, 1], [13, 3]]
    kinds = np.array([0, 2, 2, 2])
    assert clusters.tally(kinds, 3).tolist() == [[0, 0, 1], [1, 0, 2]]
    assert clusters.tally(kinds, 3, values).tolist() == [[0, 0, 2], [1, 0, 12]]


def test_draws_of_clusters_do_not_depend_on_the_size_of_a_block():
    whole = np.concatenate(list(draws(40, 30, 1)))

    assert np.array_equal(whole, np.concatenate(list(draws(40, 30, 1, n_rows=100_000))))
    assert [len(block) for block in draws(40, 5, 1, n_rows=100_000)] == [2, 2, 1]
    assert (whole.sum(axis=1) == 40).all()


# The error


def test_error_of_hand_summed_clusters():
    contributions = np.array([1.0, 2.0, -1.0, -4.0, 2.0])
    found = clustered_error(contributions, Clusters("patient", np.array([0, 0, 1, 2, 2])))

    # The sums are 3, -1 and -2: 3 / 2 * (9 + 1 + 4) = 21.
    assert found.se == pytest.approx(21**0.5)
    assert (found.df, found.n, found.n_effective, found.autocorrelation) == (2, 3, 3, 0)
    assert found.half_width(ALPHA) == pytest.approx(2.919986 * 21**0.5, abs=1e-5)


def test_error_of_single_rows_is_the_one_of_a_mean():
    values = np.random.default_rng(1).normal(size=50)
    found = clustered_error(mean_of(values).rows, Clusters("row", np.arange(50)))

    assert found.se == pytest.approx(stats.sem(values))


def test_stretch_of_hand_counted_days():
    sums = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0] * 2)
    found = clustered_error(sums, Clusters("day", np.arange(12), in_time=True))

    # Of 11 neighbours 8 are alike and 3 are not: 5 / 12, and made up for (5 + 1) / (12 - 4).
    assert found.autocorrelation == pytest.approx(0.75)
    assert found.se == pytest.approx((12 / 11 * 12 * 7) ** 0.5)
    assert (found.n_effective, found.df) == (pytest.approx(12 / 7), pytest.approx(5 / 7))
    apart = clustered_error(sums, Clusters("patient", np.arange(12)))
    assert (apart.autocorrelation, apart.n_effective) == (0, 12)


def test_days_that_alternate_are_not_taken_for_more_than_they_are():
    found = clustered_error(np.array([1.0, -1.0] * 10), Clusters("day", np.arange(20), in_time=True))

    assert (found.autocorrelation, found.n_effective) == (0, 20)


@pytest.mark.parametrize("n", [0, 1])
def test_one_cluster_says_nothing_of_the_error(n):
    found = clustered_error(np.zeros(n), Clusters("day", np.zeros(n, dtype=np.int64), in_time=True))

    assert (found.se, found.df, found.n) == (np.inf, 0, n)
    assert found.half_width(ALPHA) == np.inf


def test_days_that_count_as_less_than_one_say_nothing_of_the_error():
    found = clustered_error(np.array([-1.5, -0.5, 0.5, 1.5]), Clusters("day", np.arange(4), in_time=True))

    assert found.df == 0
    assert found.half_width(ALPHA) == np.inf


def obuchowski(late, scores, codes):
    """Return Obuchowski's (1997) variance of a clustered ROC AUC, pair by pair."""
    psi = (scores[late][:, None] > scores[~late]) + 0.5 * (scores[late][:, None] == scores[~late])
    auc, m, n, of = psi.mean(), late.sum(), (~late).sum(), np.unique(codes)
    x, y = psi.mean(axis=1), psi.mean(axis=0)
    true = np.array([(x[codes[late] == code] - auc).sum() for code in of])
    false = np.array([(y[codes[~late] == code] - auc).sum() for code in of])
    i10, i01, i = (len(np.unique(codes[rows])) for rows in (late, ~late, late | ~late))
    s10 = i10 / ((i10 - 1) * m) * (true**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (false**2).sum()
    s11 = i / (i - 1) * (true * false).sum()
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def test_error_of_auc_is_obuchowskis():
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(25), 8)
    shock = rng.normal(size=25)[codes]
    late = rng.random(200) < stats.norm.cdf(shock)
    late[::8], late[1::8] = True, False  # every cluster has rows of both kinds
    scores = np.round(late + shock + rng.normal(size=200), 1)
    found = clustered_error(
        influence("roc_auc", late, Estimates("binary", scores)).rows, Clusters("patient", codes.astype(np.int64))
    )

    assert found.se**2 == pytest.approx(obuchowski(late, scores, codes), rel=1e-12)
    alone = Clusters("row", np.arange(200))
    assert found.se != pytest.approx(obuchowski(late, scores, alone.codes) ** 0.5, rel=0.05)


def false_alarms(values: np.ndarray, clusters: Clusters) -> float:
    """Return how often samples, shape (samples, n), of a mean of 0 put it below the lower end at ALPHA."""
    found = (mean_of(sample) for sample in values)
    ends = [mean - clustered_error(rows, clusters).half_width(ALPHA) for mean, rows in found]
    return float((np.array(ends) > 0).mean())


def test_one_sided_error_is_alpha_for_rows_of_days_that_share_a_shock():
    rng = np.random.default_rng(7)
    n_days, n_rows, within = 30, 40, 0.2
    shock = rng.normal(scale=within**0.5, size=(1_000, n_days, 1))
    values = shock + rng.normal(scale=(1 - within) ** 0.5, size=(1_000, n_days, n_rows))
    rows = values.reshape(1_000, -1)

    most = stats.binom.ppf(0.999, 1_000, ALPHA) / 1_000
    assert false_alarms(rows, Clusters("patient", np.repeat(np.arange(n_days), n_rows))) <= most
    assert false_alarms(rows, Clusters("row", np.arange(n_days * n_rows))) > 3 * ALPHA


@pytest.mark.parametrize(("own", "apart"), [(0.3, 1.5), (0.5, 2.5), (0.7, 4)])
def test_stretch_brings_the_error_of_days_that_hang_together_near_alpha(own, apart):
    shocks = np.random.default_rng(11).normal(size=(1_000, 130))
    days = signal.lfilter([1], [1, -own], shocks, axis=1)[:, 100:]

    assert false_alarms(days, Clusters("day", np.arange(30), in_time=True)) <= 1.6 * ALPHA
    assert false_alarms(days, Clusters("patient", np.arange(30))) > apart * ALPHA
