"""The doctor: each fault is found, repaired where that is safe, and the exit code says what is left."""

import os
import shutil
import socket
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from projects import Small
from registries import MODEL, change, known_to_mlflow, settings_in, shown, store_of

from cli import doctor
from cli.doctor import Finding, examine, exit_code, is_well
from evergreen.base import temporaries
from evergreen.base.processes import mark
from evergreen.data import personal
from evergreen.record.ledger import leases
from evergreen.record.ledger.database import LEASES
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import champion_facts
from tasks.mirror import mirror

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
GONE = 2**22 + 1  # a number that no process has


@pytest.fixture
def settings(prepared_state, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})  # which examine adds to
    return settings_in(tmp_path / "home", prepared_state)


@pytest.fixture
def ledger(settings):
    """A ledger of two champions, as MLflow shows it."""
    known_to_mlflow(settings, 1, 2)
    ledger = Ledger.open(settings)
    for number in (1, 2):
        change(ledger, number)
    mirror.fn(MODEL, settings=settings)
    return ledger


def told(findings):
    return [(finding.what, finding.repaired, finding.kind) for finding in findings]


def test_alias_moved_by_hand_is_found_by_looking_and_put_back_by_repairing(ledger, settings):
    store_of(settings).set_registered_model_alias(MODEL, "champion", "1")
    what = "alias champion was 1, the ledger says 2, changed by hand"
    assert told(doctor.registry(ledger, MODEL, settings, repair=False)) == [(what, False, "registry")]
    assert shown(settings)["champion"] == 1
    assert told(doctor.registry(ledger, MODEL, settings, repair=True)) == [(what, True, "registry")]
    assert shown(settings)["champion"] == 2
    assert told(doctor.registry(ledger, MODEL, settings, repair=True)) == []


def test_version_deleted_by_hand_is_a_note(ledger, settings):
    store_of(settings).delete_model_version(MODEL, "1")
    findings = list(doctor.registry(ledger, MODEL, settings, repair=True))
    assert {finding.kind for finding in findings} == {"note"}
    assert "version 1 was missing" in findings[0].what
    assert is_well(findings)


def test_run_that_a_killed_process_left_open_is_closed_unless_a_training_runs(ledger, settings):
    store = store_of(settings)
    experiment = store.create_experiment(MODEL, artifact_location=settings.home.as_uri())
    left = store.create_run(experiment, tags={"candidate": "c3"}).info.run_id
    with ledger.lease(f"training:{MODEL}"):
        assert list(doctor.runs_left_open(ledger, MODEL, settings, repair=True)) == []
    assert [one.repaired for one in doctor.runs_left_open(ledger, MODEL, settings, repair=False)] == [False]
    assert [one.where for one in doctor.runs_left_open(ledger, MODEL, settings, repair=True)] == [f"MLflow run {left}"]
    assert store.get_run(left).info.status == "FAILED"


def test_lease_of_a_dead_holder_is_let_go(ledger):
    with ledger.begin() as connection:
        here = {"host": socket.gethostname(), "place": leases._counted(mark())["place"]}
        row = {"name": "training:parcels", "epoch": 3, "pid": GONE, "started": 0.0, "beat": 0.0, **here}
        connection.execute(sa.insert(LEASES).values(**row))
    with ledger.lease("alive"):
        assert [one.where for one in doctor.dead_leases(ledger, repair=False)] == ["lease training:parcels"]
        (found,) = doctor.dead_leases(ledger, repair=True)
        assert f"process {GONE} on" in found.what
        assert list(doctor.dead_leases(ledger, repair=True)) == []


def test_number_that_became_no_version_is_a_note_once_it_is_old(ledger, monkeypatch):
    ledger.number(MODEL, "never")
    ledger.number(MODEL, "c2")  # which has a version
    assert list(doctor.unfinished_registrations(ledger, MODEL)) == []
    monkeypatch.setattr(doctor, "UNFINISHED_AFTER", doctor.timedelta(0))
    (found,) = doctor.unfinished_registrations(ledger, MODEL)
    assert "number 3 of 'parcels' was given to candidate never" in found.what
    assert is_well([found])


def test_what_a_killed_build_left_is_removed_and_what_a_living_one_has_stays(settings):
    left = settings.home / "staging" / "12345-abcd_123"  # of an Evergreen before names said whose they are
    left.mkdir(parents=True)
    os.utime(left, (1.0, 1.0))
    with temporaries.folder(settings.home / "staging" / "v2") as ours:
        assert [one.repaired for one in doctor.left_behind(settings, repair=False)] == [False]
        assert [one.where for one in doctor.left_behind(settings, repair=True)] == [str(left)]
        assert [path.name for path in (settings.home / "staging").iterdir()] == [ours.name]


def test_artifacts_of_the_champion_are_looked_at_byte_by_byte(visited):
    champion = champion_facts(visited.ledger(), "visits")
    assert list(doctor.artifacts(champion, visited.settings, repair=True)) == []
    (visited.workspace.path(champion.artifact.uri) / "model.skops").write_bytes(b"x")
    visited.workspace.path(champion.train.uri).unlink()
    lost = champion.model_copy(update={"proof": champion.artifact.model_copy(update={"uri": "proof"})})
    found = list(doctor.artifacts(lost, visited.settings, repair=True))
    assert [one.what.partition(" of")[0] for one in found] == [
        "INT003: the model", "INT001: the train table", "INT003: the proof",
    ]  # fmt: skip
    assert not any(one.repaired for one in found)
    assert all("evergreen " in one.next for one in found)
    assert exit_code(found) == 7


def test_missing_package_is_built_again(visited, project):
    settings = visited.settings.model_copy(update={"project": project})
    champion = champion_facts(visited.ledger(), "visits").model_copy(update={"package": None})
    assert told(doctor.package(champion, settings, repair=False)) == [
        ("the champion's package was missing", False, "integrity")
    ]
    assert told(doctor.package(champion, settings, repair=True)) == [
        ("the champion's package was missing, built again", True, "integrity")
    ]
    assert list(doctor.package(champion, settings, repair=True)) == []


def test_package_whose_model_is_damaged_cannot_be_built(visited, project):
    settings = visited.settings.model_copy(update={"project": project})
    champion = champion_facts(visited.ledger(), "visits")
    shutil.rmtree(visited.workspace.path(champion.artifact.uri))
    (found,) = doctor.package(champion, settings, repair=True)
    assert (found.repaired, found.kind, found.what.partition(":")[0]) == (False, "integrity", "INT003")


def test_ledger_that_is_not_whole_is_looked_at_no_further(ledger, settings):
    with closing(sqlite3.connect(settings.home / "ledger.db")) as database:
        database.execute("UPDATE entries SET payload = replace(payload, '0.5', '0.05') WHERE seq = 1")
        database.commit()
    (found,) = examine(settings, repair=True)
    assert (found.kind, found.repaired) == ("integrity", False)
    assert "entry 1" in found.what
    assert exit_code([found]) == 7


def test_key_of_personal_values_that_changed_is_found_and_left_to_its_owner(settings):
    path = settings.home / personal.KEY_FILE
    assert list(doctor.key_of_personal_values(settings)) == []
    made = personal.key(path)
    assert list(doctor.key_of_personal_values(settings)) == []
    for content in (made[::-1], None):
        path.unlink() if content is None else path.write_bytes(content)
        (found,) = doctor.key_of_personal_values(settings)
        assert (found.repaired, found.kind, found.where, found.what[:7]) == (False, "integrity", str(path), "INT022:")
        assert path.exists() == (content is not None)
    path.write_bytes(made)
    assert list(doctor.key_of_personal_values(settings)) == []


def test_server_that_is_down_is_a_finding_of_its_own(ledger, settings, closed_port, monkeypatch):
    monkeypatch.setattr(doctor, "artifacts", lambda *_, **__: [])
    monkeypatch.setattr(doctor, "package", lambda *_, **__: [])
    down = settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{closed_port}"})
    monkeypatch.setattr(type(down), "environment", lambda self: {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
    (found,) = examine(down, repair=True)
    assert (found.kind, found.what.partition(":")[0]) == ("unavailable", "DEP002")
    assert exit_code([found]) == 5


def finding(kind, repaired):
    return Finding(where="", what="", repaired=repaired, next="", kind=kind)


@pytest.mark.parametrize(
    ("findings", "well", "code"),
    [
        ([], True, 0),
        ([("integrity", True), ("note", False)], True, 0),
        ([("unavailable", False), ("registry", True)], False, 5),
        ([("unavailable", False), ("integrity", False)], False, 7),
        ([("leftover", False)], False, 7),
    ],
)
def test_exit_code_says_what_is_left(findings, well, code):
    found = [finding(*one) for one in findings]
    assert (is_well(found), exit_code(found)) == (well, code)


def test_moved_alias_is_seen_by_status_put_back_by_an_unchanged_run_and_by_the_doctor(trained_project: Small) -> None:
    from projects import settings_of

    settings = settings_of(trained_project)
    assert trained_project.json("status")["registry"] == {"champion": 1, "as_ledger": True}
    store = store_of(settings)
    number = store.create_model_version("flights", "file:///x").version

    store.set_registered_model_alias("flights", "champion", number)
    assert trained_project.json("status")["registry"] == {"champion": int(number), "as_ledger": False}
    shown_to_people = trained_project.run("status").stdout
    assert f"alias champion points at version {number}; evergreen doctor puts it back" in shown_to_people
    assert all(step["cached"] for step in trained_project.json("run")["steps"])
    assert trained_project.json("status")["registry"] == {"champion": 1, "as_ledger": True}

    store.delete_registered_model_alias("flights", "champion")
    shutil.rmtree(settings.home / "bentoml" / "bentos" / "flights")
    assert trained_project.json("status")["registry"] == {"champion": None, "as_ledger": False}
    looked = trained_project.json("doctor", "--check", code=7)
    assert (looked["ok"], len(looked["findings"])) == (False, 2)
    done = trained_project.json("doctor")
    assert (done["ok"], [finding["repaired"] for finding in done["findings"]]) == (True, [True, True])
    assert trained_project.json("doctor") == {"ok": True, "findings": []}
    foreign = Ledger.open(settings).entries("flights", "foreign")
    assert [(entry.payload["was"], entry.payload["is"]) for entry in foreign] == [("1", str(number)), ("1", None)]


def test_deleted_database_of_mlflow_is_filled_again_by_an_unchanged_run(trained_project: Small) -> None:
    for left in (trained_project.home / "mlflow").glob("mlflow.db*"):
        left.unlink()
    assert trained_project.json("status")["registry"] == {"champion": None, "as_ledger": False}
    assert trained_project.json("run")["version"] == 1
    assert trained_project.json("status")["registry"] == {"champion": 1, "as_ledger": True}
