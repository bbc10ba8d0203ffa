"""`evergreen approve`, `reject`, `promote` and `rollback` as a user types them, on real versions and in MLflow."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from projects import Small

from evergreen.record.ledger.ledger import Ledger

BY = ("--by", "Ada Lovelace", "--reason", "the slices look right")


@pytest.fixture(scope="module")
def proposed_state(trained_state: Path, prefect_api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion and a second version, which waits for a person."""
    root = tmp_path_factory.mktemp("proposed") / "project"
    shutil.copytree(trained_state, root, symlinks=True)
    small = Small(root, prefect_api_url)
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(text.replace("required: []   ", "required: [refresh]"))
    outcome = small.json("run", "--set", "ingest.end='2013-03-08'")  # and so ends with 0
    assert (outcome["verdict"], outcome["version"], outcome["promoted_at"]) == ("proposed", 2, None)
    assert outcome["waits_until"]
    return root


@pytest.fixture
def proposed(proposed_state: Path, prefect_api_url: str, tmp_path: Path) -> Small:
    shutil.copytree(proposed_state, tmp_path / "proposed", symlinks=True)
    return Small(tmp_path / "proposed", prefect_api_url)


def champion_in_mlflow(small: Small) -> int:
    uri = f"sqlite:///{small.home / 'mlflow' / 'mlflow.db'}"
    client = MlflowClient(uri, registry_uri=uri)
    return int(client.get_model_version_by_alias("flights", "champion").version)


def test_person_approves_rolls_back_and_promotes_again(proposed: Small) -> None:
    assert "waits for a person until" in proposed.run("run", "--set", "ingest.end='2013-03-08'").stdout
    assert "GATE004" in proposed.refused("promote", "2", *BY, code=4)
    approved = proposed.json("approve", "2", *BY)
    assert (approved["version"], approved["verdict"], champion_in_mlflow(proposed)) == (2, "promoted", 2)
    said = proposed.json("status")
    assert approved == {name: said[name] for name in approved}
    assert all(incident["until"] for incident in said["incidents"])
    assert "STA010" in proposed.refused("approve", "2", *BY, code=2)

    back = proposed.json("rollback", *BY)
    assert (back["version"], back.keys()) == (1, approved.keys())
    shown = {"registry": None}  # MLflow may follow a little later
    said = proposed.json("status") | shown
    assert back | shown == {name: said[name] for name in back}
    assert "STA012" in proposed.refused("rollback", *BY, code=2)

    assert proposed.json("promote", "2", *BY)["version"] == 2
    assert champion_in_mlflow(proposed) == 2
    ledger = Ledger(f"sqlite:///{proposed.home / 'ledger.db'}")
    assert [(entry.kind, entry.payload["by"]) for entry in ledger.changes("flights")] == [
        ("promotion", "gate"),
        ("promotion", "Ada Lovelace"),
        ("rollback", "Ada Lovelace"),
        ("promotion", "Ada Lovelace"),
    ]
    ledger.verify()
    ledger.close()


def test_rollback_builds_a_package_again_that_somebody_deleted(proposed: Small) -> None:
    proposed.json("approve", "2", *BY)
    bentos = proposed.home / "bentoml" / "bentos" / "flights"
    (first,) = bentos.glob("v1-*")
    shutil.rmtree(first)
    assert proposed.json("rollback", *BY)["version"] == 1
    assert (first / "src").is_dir()


def test_rollback_needs_no_mlflow_and_an_approval_does(proposed: Small) -> None:
    broken = f"sqlite:///{proposed.home}"  # a folder
    proposed.refused("approve", "2", *BY, code=5, EVERGREEN_MLFLOW_TRACKING_URI=broken)
    assert proposed.json("status")["version"] == 1
    proposed.json("approve", "2", *BY)
    done = proposed.run("rollback", *BY, EVERGREEN_MLFLOW_TRACKING_URI=broken)
    assert done.returncode == 0, done.stderr
    assert "MLflow does not show it yet" in done.stderr
    assert proposed.json("status")["version"] == 1


def test_person_rejects_and_nothing_brings_that_version_back(proposed: Small) -> None:
    told = proposed.json("reject", "2", *BY)
    assert told == {
        "model": "flights", "version": 2, "by": "Ada Lovelace", "reason": "the slices look right", "door": "cli",
    }  # fmt: skip
    for command in (("approve", "2"), ("promote", "2"), ("reject", "2"), ("rollback", "--to", "2")):
        assert "STA011" in proposed.refused(*command, *BY, code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "7", *BY), "STA004"),
        (("approve", "1", *BY), "STA010"),
        (("reject", "1", *BY), "STA010"),
        (("rollback", "--to", "9", *BY), "STA004"),
        (("approve", "2"), "CFG070"),
        (("approve", "2", "--by", "", "--reason", "why"), "CFG070"),
        (("reject", "2", "--by", "Ada"), "CFG070"),
        (("rollback", "--reason", "why"), "CFG070"),
        (("promote", "2", "--by", "Ada"), "CFG070"),
        (("promote", "--reason", "why"), "CFG055"),
        (("promote", "2", "--new-lineage", "--reason", "why"), "CFG055"),
        (("promote", "--new-lineage", "--reason", " "), "CFG070"),
        (("promote", "2", *BY, "--set", "seed=3"), "CFG071"),
        (("approve", "2", "--file", "a.yaml", "--by", "Ada"), "CFG071"),
        (("approve", "2", "--file", "none.yaml"), "CFG072"),
        (("approve", "0", *BY), "Invalid value for 'V'"),
        (("approve", "two", *BY), "Invalid value for 'V'"),
    ],
)
def test_what_makes_no_sense_ends_with_2_and_changes_nothing(arguments, said, proposed_state, prefect_api_url) -> None:
    small = Small(proposed_state, prefect_api_url)
    assert said in small.refused(*arguments, code=2)
    assert small.json("status")["version"] == 1


def test_ledger_that_was_edited_by_hand_stops_every_decision(proposed: Small) -> None:
    import sqlite3

    with sqlite3.connect(proposed.home / "ledger.db") as database:
        database.execute('UPDATE entries SET payload = replace(payload, \'"by": []\', \'"by": ["Eve"]\')')
    for command in ("approve", "reject", "promote"):
        assert "INT005" in proposed.refused(command, "2", *BY, code=7)
    assert "INT005" in proposed.refused("rollback", *BY, code=7)


def test_file_to_review_is_written_beside_the_contract(proposed: Small) -> None:
    told = proposed.json("approve", "2", "--write-file")
    assert told == {"file": str(proposed.root.resolve() / "configs" / "flights" / "approvals" / "2.yaml")}
    assert "CFG072" in proposed.refused("approve", "2", "--file", told["file"], code=2)  # not committed
