"""The refit step: the family, parameters and curve that were judged, fitted on the gate rows too."""

import candidates
import numpy as np
import pandas as pd
import pytest
import tables

from evergreen.base.artifacts.workspace import Workspace
from evergreen.learning.features import fit_target
from evergreen.learning.features import inputs as inputs_of
from evergreen.learning.model import model as models
from evergreen.learning.tuning import families
from tasks.refit import refit


@pytest.fixture(scope="module")
def chain(tmp_path_factory) -> tables.Chain:
    return tables.run("binary", Workspace(root=tmp_path_factory.mktemp("refit")), tables.table("binary"))


def test_sibling_is_fitted_on_train_and_gate_rows_with_what_was_judged(chain):
    ws, candidate = chain.ws, candidates.of(chain)
    sibling = refit.fn(candidate, ws=ws)

    judged = models.load(ws.path(candidate.model.uri), candidate.model.sha256)
    made = models.load(ws.path(sibling.uri), sibling.sha256)
    rows = pd.concat([ws.read(candidate.train), ws.read(candidate.test)], ignore_index=True)
    names = inputs_of(chain.contract, tables.FEATURES).names
    by_hand = families.build(
        judged.manifest["family"],
        judged.manifest["params"],
        task="binary",
        inputs=inputs_of(chain.contract, tables.FEATURES),
        features=tables.FEATURES,
        seed=tables.SEED,
        shrinkage=judged.manifest["shrinkage"],
    )
    families.fit(by_hand, rows[names], fit_target(rows, chain.contract))
    assert judged.manifest["calibration"] is None  # of this table; with a curve the hand's answers would need it too
    np.testing.assert_array_equal(made.predict(rows).values, by_hand.predict_proba(rows[names])[:, 1])
    same = ("family", "params", "shrinkage", "calibration", "seed")
    assert {name: made.manifest[name] for name in same} == {name: judged.manifest[name] for name in same}
    assert made.manifest["rows"] == len(rows) > judged.manifest["rows"]
    assert made.manifest["refit_of"] == candidate.model.sha256
    assert not np.array_equal(made.predict(rows).values, judged.predict(rows).values)


def test_same_refit_again_has_the_same_digest(chain):
    candidate = candidates.of(chain)
    assert refit.fn(candidate, ws=chain.ws).sha256 == refit.fn(candidate, ws=chain.ws).sha256
