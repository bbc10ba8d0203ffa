"""`evergreen promote V --to ENV` as a user types it: two environments, each with its own ledger, MLflow and bentos."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from projects import Small

from evergreen.record.ledger.ledger import Ledger

BY = ("--by", "Ada Lovelace", "--reason", "a week on staging")
TO = ("promote", "1", "--to", "production", *BY)


@dataclass(frozen=True)
class Placed(Small):
    """A project whose environments say themselves where their state lies."""

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in super().environment.items() if name != "EVERGREEN_HOME"}

    def ledger(self, home: str) -> Ledger:
        return Ledger(f"sqlite:///{self.root / home / 'ledger.db'}")


@pytest.fixture
def placed(trained_state: Path, prepared_state: Path, prefect_api_url: str, tmp_path: Path) -> Placed:
    root = tmp_path / "placed"
    shutil.copytree(trained_state, root, symlinks=True)
    (root / "configs" / "env" / "production.yaml").write_text("home: .production\n")
    for name in ("mlflow", "prefect"):
        shutil.copytree(prepared_state / name, root / ".production" / name)
    return Placed(root, prefect_api_url)


def test_version_goes_into_another_environment_and_once_only(placed: Placed) -> None:
    sent = placed.json(*TO)
    assert (sent["env"], sent["version"], sent["judged"]["verdict"], sent["judged"]["version"]) == (
        "production",
        1,
        "promoted",
        1,
    )
    there = placed.json("status", "--env", "production")
    assert there["model_digest"] == placed.json("status")["model_digest"] == sent["judged"]["model_digest"]
    assert placed.json(*TO) == sent
    ours, theirs = placed.ledger(".evergreen"), placed.ledger(".production")
    (came,), (went,) = theirs.entries("flights", "received"), ours.entries("flights", "sent")
    assert (came.hash, went.hash) == (sent["received"], sent["sent"])
    assert (went.payload["entry"], came.payload["entry"]) == (came.hash, ours.changes("flights")[-1].hash)
    assert min(ours.verify(), theirs.verify()) > 0
    kinds = [entry["kind"] for entry in placed.json("history", "--env", "production")["entries"]]
    assert kinds == ["promotion", "received"]
    assert "came from local, where it is version 1" in placed.run("why", "1", "--env", "production").stdout
    assert placed.json("doctor", "--env", "production")["ok"]


def test_refusal_there_ends_with_4_and_says_why(placed: Placed) -> None:
    text = (placed.root / "params.yaml").read_text()
    (line,) = [line for line in text.splitlines() if line.strip().startswith("floor:")]
    (placed.root / "params.yaml").write_text(text.replace(line, line.split("floor:")[0] + "floor: 0.99"))
    said = placed.refused(*TO, code=4)
    assert "GATE007" in said
    assert "of production refused version 1" in said
    assert "STA001" in placed.refused("status", "--env", "production", code=2)


def test_what_forbids_it_is_said_before_anything_is_made_there(placed: Placed) -> None:
    assert "CFG070" in placed.refused("promote", "1", "--to", "production", code=2)
    assert "CFG071" in placed.refused("promote", "--new-lineage", "--to", "production", *BY[2:], code=2)
    assert "CFG007" in placed.refused("promote", "1", "--to", "nowhere", *BY, code=2)
    assert "CFG073" in placed.refused("promote", "1", "--to", "local", *BY, code=2)
    assert "CFG073" in placed.refused(*TO, code=2, EVERGREEN_HOME=str(placed.root / ".evergreen"))
    assert "STA004" in placed.refused("promote", "7", "--to", "production", *BY, code=2)
    assert not (placed.root / ".production" / "ledger.db").exists()
