"""Damage to what a champion needs is put back from where the same bytes are, or what is advised puts it back."""

import shutil

import direct
import pytest
import remembered
from damaged import champion, flip, packed

from cli import doctor, mending, reproduction
from evergreen.adapters import tracking
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.errors import IntegrityError
from evergreen.learning.model.model import load
from evergreen.record.plan.wholeness import holds
from flows.training import train_and_judge
from tasks.describe import describe
from tasks.track import track

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


@pytest.mark.parametrize("file", ["model.skops", "contract.json", "manifest.json", "compiled/plan.json"])
def test_model_is_put_back_from_its_package(visited, file):
    packed(visited)
    facts = champion(visited)
    folder = visited.workspace.path(facts.artifact.uri)
    flip(folder / file)
    with pytest.raises(IntegrityError) as caught:
        load(folder, facts.artifact.sha256)
    assert "evergreen doctor" in caught.value.next_step
    (seen,) = doctor.artifacts(facts, visited.settings, repair=False)
    assert (seen.repaired, seen.next) == (False, "evergreen doctor")
    (found,) = doctor.artifacts(facts, visited.settings, repair=True)
    assert found.repaired
    assert found.what.endswith("put back from its package")
    load(folder, facts.artifact.sha256)
    assert list(doctor.artifacts(facts, visited.settings, repair=True)) == []


def test_package_that_is_damaged_too_is_not_taken(visited):
    flip(packed(visited) / "model.skops")
    facts = champion(visited)
    flip(visited.workspace.path(facts.artifact.uri) / "model.skops")
    (found,) = doctor.artifacts(facts, visited.settings, repair=True)
    assert not found.repaired
    assert found.next.startswith("evergreen reproduce 1")


def test_whatever_of_a_version_is_damaged_is_put_back_by_making_it_again(visited):
    proof = remembered.prove(visited)
    facts, ws, candidate = champion(visited), visited.workspace, proof.candidate
    tables = ("valid", "test", "quarantine", "out_of_fold", "scores")
    for at, name in enumerate(tables):
        flip(ws.path(getattr(candidate, name).uri), at / len(tables))
    ws.path(candidate.train.uri).unlink()
    flip(next(ws.path(candidate.raw.uri).rglob("*.parquet")))
    flip(ws.path(candidate.model.uri) / "model.skops")
    flip(ws.path(candidate.lookups.uri) / "manifest.json")
    assert not any(holds(ws, getattr(candidate, name)) for name in (*tables, "train", "raw", "model", "lookups"))
    told = [one.next for one in doctor.artifacts(facts, visited.settings, repair=True)]
    assert told
    assert all(next_step.startswith("evergreen reproduce 2") for next_step in told)
    found = reproduction.reproduce(visited, "2")
    assert found.same
    assert {*found.mended} == {*tables, "train", "raw", "model", "lookups"}
    assert holds(ws, candidate)


@pytest.fixture
def logged(fresh, prepared_state, project):
    """A project of visits whose first version is in MLflow too."""
    root = fresh.settings.project
    shutil.copytree(prepared_state / "mlflow", root / ".evergreen" / "mlflow")
    shutil.copy(project / "requirements.lock", root)
    outcome = train_and_judge(fresh, reason="first", do=direct.Direct(track=track.fn, describe=describe.fn))
    assert outcome.version == 1
    return fresh


def test_proof_is_put_back_from_its_run_and_the_reference_is_made_again(logged):
    facts = champion(logged)
    ws = logged.workspace
    for ref in (facts.proof, facts.reference):
        flip(ws.path(ref.uri) / "manifest.json")
    found = list(mending.look(facts, logged.settings, mend=True))
    assert [(one.name, one.mended) for one in found] == [("proof", "its run in MLflow"), ("reference", "its rows")]
    for ref in (facts.proof, facts.reference):
        read_folder(ws.path(ref.uri), ref.sha256)
    assert list(mending.look(facts, logged.settings, mend=True)) == []


def test_proof_that_lies_nowhere_else_is_said_with_what_can_be_done(logged):
    facts = champion(logged)
    flip(logged.workspace.path(facts.proof.uri) / "proof.json")
    nowhere = facts.model_copy(update={"run_id": "0" * 32})
    (found,) = mending.look(nowhere, logged.settings, mend=True)
    assert (found.mended, found.code) == ("", "INT003")
    assert "evergreen export" in found.next_step


def test_copy_in_the_run_that_is_damaged_too_is_not_taken(logged):
    facts = champion(logged)
    store = tracking.client(logged.settings.tracking_uri())
    copy = logged.settings.home / "mlflow" / "artifacts" / facts.run_id / "artifacts" / "proof" / "proof.json"
    assert store.get_run(facts.run_id)
    flip(copy)
    flip(logged.workspace.path(facts.proof.uri) / "proof.json")
    (found,) = mending.look(facts, logged.settings, mend=True)
    assert found.mended == ""
