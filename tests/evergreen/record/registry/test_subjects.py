"""Which versions learned from a subject."""

import json

import logged
import pandas as pd
import pytest

from evergreen.base.artifacts.workspace import Workspace
from evergreen.data import personal
from evergreen.record.registry.subjects import Learned, learned_from


@pytest.fixture
def ws(tmp_path):
    return Workspace(root=tmp_path / "workspace")


def table(ws, name, tmp_path, *people):
    key = personal.key(tmp_path / "pii.key")
    rows = pd.DataFrame({"person": [personal.hashed(each, key) for each in people], "day": range(len(people))})
    return ws.write(name, rows).model_dump()


def learned(ws, tmp_path, versions, **subject):
    return learned_from(ws.root, versions, subject, contract=logged.CONTRACT, pii_key=tmp_path / "pii.key")


def test_versions_whose_train_rows_hold_the_subject_are_named(ws, tmp_path):
    versions = {
        1: {"train": table(ws, "train", tmp_path, "ann", "bob")},
        2: {"train": table(ws, "train", tmp_path, "bob")},
        3: {"train": {"uri": "train-that-was-collected"}},
        4: {"train": ws.write("train", pd.DataFrame({"x": [1.0]})).model_dump()},
    }
    assert learned(ws, tmp_path, versions, person="ann") == Learned(versions=(1,), unknown=(3, 4))
    assert learned(ws, tmp_path, versions, person="bob") == Learned(versions=(1, 2), unknown=(3, 4))
    assert learned(ws, tmp_path, versions, person="bob", day="1") == Learned(versions=(1,), unknown=(3, 4))
    assert learned(ws, tmp_path, versions, person="bob", day="x") == Learned(unknown=(3, 4))


def test_version_that_was_fitted_again_with_its_gate_rows_learned_from_them(ws, tmp_path):
    train, gate = table(ws, "train", tmp_path, "bob"), table(ws, "test", tmp_path, "ann")
    proof = ws.write_folder("proof", {"proof.json": json.dumps({"candidate": {"test": gate}}).encode()}, {})
    facts = {"train": train, "proof": proof.model_dump()}
    versions = {1: {**facts, "as_judged": {"uri": "model"}}, 2: facts, 3: {"train": train, "as_judged": {"uri": "m"}}}
    assert learned(ws, tmp_path, versions, person="ann") == Learned(versions=(1,), unknown=(3,))
