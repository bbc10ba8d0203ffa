"""Slices: the planted one is found, chance is not mistaken for one, and every number is scikit-learn's."""

from time import process_time

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from evergreen.learning.analysis.slices import slices
from evergreen.learning.evaluation.estimates import Estimates

N = 4_000


@pytest.fixture(scope="module")
def world():
    """Rows whose chance of being late is known, but in the port of Brest, where nothing is known."""
    rng = np.random.default_rng(11)
    said = rng.beta(2, 2, N)
    table = pd.DataFrame(
        {
            "port": rng.choice(["Brest", "Calais", "Dieppe", "Lorient"], N, p=[0.1, 0.3, 0.3, 0.3]),
            "load": np.where(rng.random(N) < 0.1, np.nan, rng.uniform(0, 100, N)),
            "decks": rng.integers(1, 4, N).astype(float),
            "ferry": rng.random(N) < 0.5,
            "at": pd.date_range("2024-01-01", periods=N, freq="h", tz="UTC"),
        }
    )
    brest = table["port"] == "Brest"
    labels = rng.random(N) < np.where(brest, 0.5, said)
    return table, labels, Estimates("binary", said)


def found(world, columns=("port", "load", "decks", "ferry", "at"), **changed):
    table, labels, estimates = world
    given = {"declared": (), "min_rows": 100, "confidence": 0.95}
    return slices(table, labels, estimates, columns=columns, **{**given, **changed})


def test_planted_slice_is_the_worst_and_no_chance(world):
    worst = found(world).worst[0]

    assert (worst.column, worst.value) == ("port", "Brest")
    assert worst.difference < -0.15
    assert worst.chance < 1e-6


def test_numbers_of_a_slice_are_scikit_learns(world):
    table, labels, estimates = world
    inside = (table["port"] == "Brest").to_numpy()
    worst = found(world).worst[0]

    assert worst.rows == inside.sum()
    assert worst.score == pytest.approx(metrics.roc_auc_score(labels[inside], estimates.values[inside]), abs=1e-12)
    whole = metrics.roc_auc_score(labels, estimates.values)
    assert worst.difference == pytest.approx(worst.score - whole, abs=1e-12)
    assert worst.low < worst.score < worst.high


def test_slices_of_a_column_are_all_of_its_rows(world):
    for column, expected in (("port", 4), ("load", 6), ("decks", 3), ("ferry", 2), ("at", 5)):
        declared = found(world, columns=(), declared=(column,)).declared
        assert len(declared) == expected
        assert sum(part.rows for part in declared) == N
    assert declared[0].value.startswith("up to 2024-02-03")


def test_missing_values_are_a_slice(world):
    declared = {part.value: part for part in found(world, columns=(), declared=("load",)).declared}

    assert declared["missing"].rows == world[0]["load"].isna().sum()
    assert [value.split(".")[0] for value in declared][::4] == ["up to 20", "above 79"]


def test_how_many_were_looked_at_is_said_and_small_ones_are_not(world):
    everything, large = found(world), found(world, min_rows=500)

    assert (everything.looked_at, everything.too_small) == (20, 0)
    assert (large.looked_at, large.too_small) == (18, 2)  # neither Brest nor the missing loads
    assert all(part.rows >= 500 for part in large.worst)


def test_worst_of_many_slices_without_a_difference_is_called_chance():
    rng = np.random.default_rng(5)
    surprising = 0
    for _ in range(40):
        said = rng.beta(2, 2, 2_000)
        table = pd.DataFrame({"group": rng.integers(0, 15, 2_000).astype(str)})
        world = table, rng.random(2_000) < said, Estimates("binary", said)
        surprising += found(world, columns=("group",), min_rows=50).worst[0].chance < 0.05

    assert surprising <= 6  # 5 % of 40 are expected at most; more than 6 would happen once in 100


def test_slice_of_one_class_has_rows_and_no_score():
    labels = np.array([True, False] * 100 + [False] * 50)
    table = pd.DataFrame({"kind": ["mixed"] * 200 + ["early"] * 50})
    world = table, labels, Estimates("binary", np.linspace(0, 1, 250))

    early, mixed = found(world, columns=(), declared=("kind",), min_rows=20).declared
    assert (early.rows, early.score, early.chance) == (50, None, None)
    assert mixed.score is not None


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_are_judged_by_their_own_metric(task):
    rng = np.random.default_rng(2)
    group = np.repeat(["good", "bad"], 300)
    if task == "regression":
        truth = rng.normal(size=600)
        estimates = Estimates(task, truth + rng.normal(size=600) * np.where(group == "bad", 1.0, 0.1))
        expected = metrics.r2_score(truth[300:], estimates.values[300:])
    else:
        truth = rng.choice(["a", "b"], 600)
        wrong = rng.random(600) < np.where(group == "bad", 0.4, 0.05)
        said = np.where((truth == "a") ^ wrong, 0.9, 0.1)
        estimates = Estimates(task, np.column_stack([said, 1 - said]), ("a", "b"))
        expected = metrics.balanced_accuracy_score(truth[300:], estimates.compared[300:].astype(str))

    worst = found((pd.DataFrame({"group": group}), truth, estimates), columns=("group",)).worst[0]
    assert (worst.value, worst.score) == ("bad", pytest.approx(expected, abs=1e-12))
    assert worst.chance < 1e-6


def test_columns_that_say_nothing_are_one_slice(world):
    rows = world[0].assign(
        noon=pd.Timestamp("2024-01-01 12:00", tz="UTC"), never=pd.Series([pd.NaT] * N, dtype="datetime64[us, UTC]")
    )
    declared = found((rows, *world[1:]), columns=(), declared=("noon", "never")).declared

    assert [(part.value, part.rows) for part in declared] == [("2024-01-01 12:00:00+00:00", N), ("missing", N)]


def test_number_that_is_nearly_always_the_same_is_cut_where_it_is_another(world):
    common = np.arange(N) % 20 != 0
    rows = world[0].assign(low=np.where(common, 0, np.arange(N)), high=np.where(common, 9_999, np.arange(N)))
    declared = found((rows, *world[1:]), columns=(), declared=("low", "high")).declared

    assert [(part.value, part.rows) for part in declared] == [
        ("up to 0", 3_801),
        ("above 0", 199),
        ("up to 3980", 200),
        ("above 3980", 3_800),
    ]


def test_all_rows_are_no_slice(world):
    rows = world[0].assign(always="yes")
    looked = found((rows, *world[1:]), columns=("always", "ferry"))

    assert looked.looked_at == 2
    assert {part.column for part in looked.worst} == {"ferry"}


def test_near_numbers_are_slices_of_their_own(world):
    rows = world[0].assign(code=1_000_000 + np.arange(N) % 4 / 4)
    declared = found((rows, *world[1:]), columns=(), declared=("code",)).declared

    assert [part.value for part in declared] == ["1000000", "1000000.25", "1000000.5", "1000000.75"]


def test_column_of_many_values_costs_little(world):
    n = 200_000
    rows = pd.DataFrame({"who": (np.arange(n) % 50_000).astype(str)})
    said = Estimates("binary", np.linspace(0, 1, n))
    began = process_time()

    looked = found((rows, np.arange(n) % 3 == 0, said), columns=("who",))

    assert (looked.looked_at, looked.too_small) == (0, 50_000)
    assert process_time() - began < 2  # a pass over all rows for each value takes ten seconds
