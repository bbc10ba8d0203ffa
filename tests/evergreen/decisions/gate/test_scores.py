"""The gate rows as a table: what is written is what is read, for every task."""

import numpy as np
import pandas as pd
import pytest
from gates import classes

from evergreen.base.artifacts.refs import TableRef
from evergreen.decisions.gate import scores
from evergreen.decisions.gate.scores import Compared, Held
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

DAYS = Clusters("day", np.array([0, 0, 1, 2]), in_time=True)
UNSEEN = np.array([False, True, True, True])
LATE = np.array([True, False, False, True])


def compared(task="binary", names=(), held=()):
    return Compared(
        table=TableRef(uri="t", rows=4, schema_hash="", sha256=""),
        rows="digest",
        task=task,
        classes=names,
        unit="day",
        in_time=True,
        held=held,
        slices={"slice 0": "carrier=AA"},
        folds={},
        megabytes={},
        milliseconds={},
    )


def written(label, models, rivals):
    frame = pd.DataFrame({"label": label}).assign(
        **{k: v for name, said in models.items() for k, v in said.columns(name).items()}
    )
    usable = dict.fromkeys(rivals, UNSEEN)
    return scores.write(frame, DAYS, rivals, usable=usable, slices={"slice 0": LATE})


def test_rows_are_read_as_they_were_written():
    table = written(LATE, {}, {})

    rows = scores.gate_rows(table, compared())

    assert rows.labels.tolist() == LATE.tolist()
    assert (rows.clusters.unit, rows.clusters.codes.tolist(), rows.clusters.in_time) == ("day", [0, 0, 1, 2], True)
    assert {name: inside.tolist() for name, inside in rows.slices.items()} == {"carrier=AA": LATE.tolist()}
    assert rows.digest == "digest"


def test_estimates_are_read_by_name_and_missing_ones_are_none():
    model = Estimates("binary", np.array([0.1, 0.2, 0.3, 0.4]))
    table = written(LATE, {"model": model}, {})

    assert scores.estimates(table, "model", compared()).values.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert scores.estimates(table, "baseline", compared()) is None


def test_estimates_of_classes_keep_their_classes():
    rows, (model,) = classes(np.random.default_rng(1), {"ash": 2, "beech": 2}, 0.8)
    table = written(rows.labels, {"model": model}, {})
    given = compared("multiclass", ("ash", "beech"))

    again = scores.estimates(table, "model", given)

    assert again.classes == ("ash", "beech")
    assert again.values.tolist() == model.values.tolist()
    assert scores.gate_rows(table, given).labels.tolist() == ["ash", "ash", "beech", "beech"]


def test_rivals_are_read_by_role_with_the_rows_on_which_they_count():
    said = Estimates("binary", np.array([0.5, 0.6, 0.7, 0.8]))
    held = (
        Held(role="champion", name="version 4", column="version_4"),
        Held(role="former", name="version 3", column="version_3", why_not="its file is gone"),
    )
    table = written(LATE, {}, {"version_4": said})

    (champion,) = scores.rivals(table, compared(held=held), "champion")
    (former,) = scores.rivals(table, compared(held=held), "former")

    assert (champion.name, champion.estimates.values.tolist()) == ("version 4", said.values.tolist())
    assert champion.usable.tolist() == UNSEEN.tolist()
    assert (former.name, former.estimates, former.why_not) == ("version 3", None, "its file is gone")


@pytest.mark.parametrize("role", ["champion", "former"])
def test_nobody_is_held_against_where_there_is_none(role):
    assert scores.rivals(written(LATE, {}, {}), compared(), role) == ()


def test_metric_that_is_undefined_on_a_fold_stays_so_as_json():
    made = compared().model_copy(update={"folds": {"model": {"roc_auc": (0.5, float("nan"))}}})
    first, second = Compared.model_validate_json(made.model_dump_json()).folds["model"]["roc_auc"]
    assert first == 0.5
    assert np.isnan(second)
