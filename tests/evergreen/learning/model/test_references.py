"""What a model is compared with: true to the train rows, and none of them."""

import compiling
import numpy as np
import pandas as pd
import pytest

from evergreen.learning.model.compiled import golden, profile
from evergreen.learning.model.compiled.golden import Golden
from evergreen.learning.model.compiled.profile import LEVELS, Profile


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def made(request):
    pipeline, built, form = compiling.made(request.param, "random_forest")
    found = Profile.from_bytes(form.files[profile.FILE]), Golden.from_bytes(form.files[golden.FILE])
    return request.param, *found, compiling.said(pipeline, built, request.param)


def test_profile_says_what_the_rows_were_like(made):
    _, found, _, _ = made
    rows = compiling.rows()

    assert found.rows == len(rows)
    assert found.columns["fare"].missing == pytest.approx(rows["fare"].isna().mean())
    np.testing.assert_allclose(found.columns["fare"].quantiles, rows["fare"].quantile(LEVELS))
    starts = rows["start"].astype("int64")
    np.testing.assert_allclose(found.columns["start"].quantiles, starts.quantile(LEVELS), rtol=1e-12)
    zones = rows["zone"].value_counts(normalize=True)
    assert found.columns["zone"].shares == pytest.approx(zones.to_dict())
    assert list(found.columns["zone"].shares.values()) == sorted(zones, reverse=True)
    assert set(found.columns["member"].shares) == {"true", "false"}


def test_profile_has_the_histogram_of_the_estimates(made):
    task, found, _, said = made

    values = said.max(axis=1) if task == "multiclass" else said
    assert sum(found.shares) == pytest.approx(1)
    assert len(found.edges) == len(found.shares) + 1 <= 21
    np.testing.assert_allclose(np.histogram(values, found.edges)[0] / len(values), found.shares, atol=0.003)
    if task == "multiclass":
        chosen = pd.Series(said.argmax(axis=1)).value_counts(normalize=True).sort_index()
        assert list(found.labels.values()) == pytest.approx(chosen.tolist())
    else:
        assert found.labels is None


def test_personal_values_are_in_neither(made):
    _, found, rows, _ = made

    assert "passport" not in found.columns
    place = rows.columns.index("passport")
    assert {row[place] for row in rows.rows} <= {None, "some category", "never seen"}


def test_golden_rows_are_made_up_and_hold_missing_and_unseen_values(made):
    _, _, rows, _ = made

    assert len(rows.rows) == 32
    known = {str(start).replace("+00:00", "Z").replace(" ", "T") for start in compiling.rows()["start"]}
    assert not known & {row[0] for row in rows.rows}
    assert any(None in row for row in rows.rows)
    assert any("never seen" in row for row in rows.rows)


def test_names_of_few_rows_are_not_told():
    table = compiling.rows().assign(shop=[f"only {place}" for place in range(len(compiling.rows()))])
    from evergreen.learning.evaluation.estimates import Estimates
    from evergreen.learning.model.references import profile_of

    found = profile_of(table, compiling.contract().features, Estimates("binary", np.full(len(table), 0.5)))
    assert found.columns["shop"].shares == {}
