"""Each fault is in the rows that come out, in the column that the model leans on, and in nothing else."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.decisions.drill.faults import FAULTS, inject
from evergreen.decisions.drill.window import Window

START, END = date(2024, 3, 1), date(2024, 3, 31)
TARGETS = {"binary": "boolean", "multiclass": "category", "regression": "number"}
N = 3_000


def contract(task="binary", *, zone="UTC", features=("fare", "seats", "zone", "car", "member")):
    types = {"fare": "number", "seats": "integer", "zone": "category", "car": "category", "member": "boolean"}
    return Contract(
        name="rides",
        description="",
        source=FileSource(kind="file", path="rides.csv"),
        timezone=zone,
        label_delay_days=1,
        columns=(
            Column(name="at", type="timestamp", role="time"),
            *(Column(name=name, type=types[name], role="feature", nullable=True) for name in features),
            Column(name="tip", type=TARGETS[task], role="target", nullable=True),
        ),
    )


def rows(task="binary"):
    rng = np.random.default_rng(1)
    labels = {
        "binary": pd.array(rng.random(N) < 0.3, dtype="boolean"),
        "multiclass": rng.choice(["much", "none", "some"], N, p=[0.2, 0.5, 0.3]),
        "regression": rng.normal(5, 2, N),
    }
    made = pd.DataFrame(
        {
            "at": pd.date_range("2024-03-01", periods=N, freq=pd.Timedelta(days=30) / N, tz="UTC"),
            "fare": rng.uniform(5, 20, N),
            "seats": pd.array(rng.integers(0, 4, N), dtype="Int64"),
            "zone": rng.choice(["north", "south"], N, p=[0.7, 0.3]),
            "car": rng.choice(["small", "large"], N),
            "member": pd.array(rng.random(N) < 0.5, dtype="boolean"),
            "tip": labels[task],
        }
    )
    made.loc[::50, ["fare", "tip"]] = None
    return made


def window(task="binary", *, importances=None, odd=frozenset(), **given):
    said = contract(task, **given)
    leaned = {"seats": 0.2, "fare": 0.5, "zone": 0.4, "car": 0.1} if importances is None else importances
    return Window(rows(task)[[column.name for column in said.stored]], said, leaned, START, END, 7, odd)


def changed(found, before):
    """Return the columns whose values are not what they were."""
    return {name for name in before.columns if not found.rows[name].equals(before[name])}


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("fault", [f for f in FAULTS if f not in ("stale-upstream", "duplicated-rows")])
def test_fault_is_in_its_columns_alone_and_what_was_given_stays(fault, task):
    given = window(task)
    before = given.rows.copy(deep=True)
    found = inject(fault, given)
    pd.testing.assert_frame_equal(given.rows, before)
    assert changed(found, before) == {*found.columns}
    assert len(found.rows) == N
    again = inject(fault, given)
    pd.testing.assert_frame_equal(found.rows, again.rows)
    for name in ("seats", "member"):
        assert found.rows[name].dtype == before[name].dtype


def test_column_is_that_which_the_model_leans_on_most():
    assert inject("unit-x100", window()).columns == ("fare",)
    assert inject("unit-x100", window(importances={"seats": 1.0})).columns == ("seats",)
    assert inject("unit-x100", window(odd=frozenset({"fare"}))).columns == ("seats",)
    assert inject("renamed-category", window()).columns == ("zone",)
    assert inject("swapped-columns", window()).columns == ("fare", "seats")


def test_unit_is_a_hundred_times_as_large():
    found, before = inject("unit-x100", window()), rows()
    np.testing.assert_allclose(found.rows["fare"].dropna(), before["fare"].dropna() * 100)


def test_flood_leaves_two_fifths():
    found, before = inject("null-flood", window()), rows()
    kept = found.rows["fare"].notna()
    assert kept.sum() / before["fare"].notna().sum() == pytest.approx(0.4, abs=0.03)
    assert found.rows["fare"][kept].equals(before["fare"][kept])


def test_renamed_category_is_the_most_frequent_and_all_of_it():
    found, before = inject("renamed-category", window()), rows()
    assert set(found.rows["zone"]) == {"north_new", "south"}
    assert ((found.rows["zone"] == "north_new") == (before["zone"] == "north")).all()


def test_swapped_columns_keep_their_types_whole_numbers_are_rounded():
    found, before = inject("swapped-columns", window()), rows()
    assert found.rows["fare"].tolist() == before["seats"].tolist()
    assert found.rows["seats"].dropna().tolist() == before["fare"].dropna().round().astype(int).tolist()
    assert inject("swapped-columns", window(features=("zone", "car"))).columns == ("zone", "car")


def test_stale_upstream_gives_no_row_after_a_third():
    found, before = inject("stale-upstream", window()), rows()
    assert (found.since, found.columns) == (date(2024, 3, 11), ())
    assert found.rows.equals(before[before["at"] < "2024-03-11"])


def test_another_definition_moves_three_tenths_of_the_largest_class_and_numbers_by_a_deviation():
    binary, before = inject("label-definition-changed", window()).rows["tip"], rows()["tip"]
    moved = binary.notna() & (binary != before)
    assert moved.sum() / (~before.dropna().astype(bool)).sum() == pytest.approx(0.3, abs=0.03)
    assert set(before[moved]) == {False}
    classes, before = inject("label-definition-changed", window("multiclass")).rows["tip"], rows("multiclass")["tip"]
    moved = classes.notna() & (classes != before)
    assert (set(before[moved]), set(classes[moved])) == ({"none"}, {"some"})
    numbers, before = inject("label-definition-changed", window("regression")).rows["tip"], rows("regression")["tip"]
    np.testing.assert_allclose((numbers - before).dropna(), before.std())


def test_flipped_concept_leaves_no_label_of_a_class_and_the_mean_of_numbers():
    for task in ("binary", "multiclass"):
        found, before = inject("concept-flip", window(task)).rows["tip"], rows(task)["tip"]
        assert (found.isna() == before.isna()).all()
        assert (found.dropna() != before.dropna()).all()
        assert set(found.dropna()) == set(before.dropna())
    found, before = inject("concept-flip", window("regression")).rows["tip"], rows("regression")["tip"]
    assert found.mean() == pytest.approx(before.mean())
    assert found.corr(before) == pytest.approx(-1)


def test_late_labels_are_not_there_of_the_last_two_thirds():
    found, before = inject("delayed-labels", window()), rows()
    late = before["at"] >= "2024-03-11"
    assert found.rows["tip"][late].isna().all()
    assert found.rows["tip"][~late].equals(before["tip"][~late])
    assert found.since == date(2024, 3, 11)


def test_duplicates_are_whole_rows_beside_those_that_they_repeat():
    found, before = inject("duplicated-rows", window()), rows()
    counts = found.rows.index.value_counts()
    assert set(counts) == {1, 2}
    assert len(found.rows) / N == pytest.approx(1.5, abs=0.03)
    assert found.rows["at"].is_monotonic_increasing
    assert found.rows[~found.rows.index.duplicated()].equals(before)


def test_shifted_time_is_six_hours_late():
    found, before = inject("time-shift", window()), rows()
    assert set(found.rows["at"] - before["at"]) == {pd.Timedelta(hours=6)}


def test_leaking_column_is_the_label_or_the_place_of_its_class():
    classes, before = inject("leaking-column", window("multiclass")), rows("multiclass")
    there = before["tip"].notna()
    assert classes.rows["fare"][there].equals(before["tip"][there].map({"much": 0.0, "none": 1.0, "some": 2.0}))
    assert classes.rows["fare"][~there].equals(before["fare"][~there])
    numbers, before = inject("leaking-column", window("regression")), rows("regression")
    assert numbers.rows["fare"][there].equals(before["tip"][there])


def test_dead_feature_has_one_value_wherever_it_had_one():
    found, before = inject("dead-feature", window()), rows()
    assert found.rows["fare"].nunique() == 1
    assert (found.rows["fare"].isna() == before["fare"].isna()).all()
    assert inject("dead-feature", window(features=("zone",))).rows["zone"].unique().tolist() == ["north"]


@pytest.mark.parametrize(
    ("features", "lacking"),
    [
        (("member",), {"unit-x100", "renamed-category", "swapped-columns", "leaking-column"}),
        (("zone",), {"unit-x100", "swapped-columns", "leaking-column"}),
        (("fare", "seats"), {"renamed-category"}),
    ],
)
def test_fault_that_no_column_can_have_is_none(features, lacking):
    given = window(features=features)
    assert {fault for fault in FAULTS if inject(fault, given) is None} == lacking


def test_rows_without_any_label_can_have_no_fault_of_labels():
    given = window()
    unlabelled = Window(given.rows.assign(tip=pd.NA), given.contract, given.importances, START, END, 7)
    lacking = {fault for fault in FAULTS if inject(fault, unlabelled) is None}
    assert lacking == {"label-definition-changed", "concept-flip", "delayed-labels", "leaking-column"}
