"""`evergreen package`: a version's bento, checked, and the folder that its container is built from."""

import shutil
import subprocess
import sys
from pathlib import Path

import keys
import pandas as pd
import pytest
import released
from projects import Small

from evergreen.config.contract.contract import Contract
from evergreen.learning.model.package import verify_package


def package(project: Small) -> Path:
    """Return the folder of the champion's bento."""
    (folder,) = (path for path in (project.home / "bentoml" / "bentos" / "flights").iterdir() if path.is_dir())
    return folder


def test_champion_is_packaged_for_a_container_without_docker(trained_project: Small) -> None:
    told = trained_project.json("package")
    named = trained_project.json("package", "1", "--out", "build")

    assert (told["model"], told["version"]) == ("flights", 1)
    assert told["bento"] == f"flights:{package(trained_project).name}"
    assert told["image"].startswith("flights:v1-")
    assert told["context"] == str(trained_project.home / "containers" / told["image"].replace(":", "/"))
    assert {**named, "context": ""} == {**told, "context": ""}
    assert told["edge"] is None
    written = released.files(Path(told["context"]))
    assert released.files(trained_project.root / "build") == written
    assert f"ARG DIGEST={told['digest']}\n" in written["Dockerfile"].decode()
    hadolint = Path(sys.executable).with_name("hadolint")
    assert subprocess.run([hadolint, Path(told["context"], "Dockerfile")], check=False).returncode == 0

    done = trained_project.run("package", "--out", "build")
    assert f"docker build --tag {told['image']} build" in done.stdout


def test_changed_bento_is_not_handed_on_and_one_that_is_gone_is_built_again(trained_project: Small) -> None:
    release = package(trained_project) / "src" / "release.json"
    before = release.read_text()
    release.write_text(before.replace('"version":1', '"version":99'))
    assert "INT018" in trained_project.refused("package", "--out", "build", code=7)
    assert not (trained_project.root / "build").exists()

    shutil.rmtree(package(trained_project))
    assert trained_project.json("package", "--out", "build")["version"] == 1
    assert release.read_text() == before
    (trained_project.root / "mine").mkdir()
    (trained_project.root / "mine" / "notes.txt").touch()
    assert "PKG003" in trained_project.refused("package", "--out", "mine", code=2)
    assert "STA004" in trained_project.refused("package", "7", code=2)


def test_signed_package_is_handed_on_signed_and_an_unsigned_one_not_where_keys_are_trusted(
    trained_project: Small, tmp_path: Path
) -> None:
    key, trusted = keys.pair(tmp_path / "team.pem", tmp_path / "trusted.pem")
    asked = {"EVERGREEN_TRUSTED_KEYS": str(trusted)}
    assert "INT017" in trained_project.refused("package", "--out", "build", code=7, **asked)

    shutil.rmtree(package(trained_project))
    asked["EVERGREEN_SIGNING_KEY"] = str(key)
    done = trained_project.run("package", "--out", "build", **asked)

    assert done.returncode == 0, done.stderr
    verify_package(trained_project.root / "build", None, trusted_keys=trusted)
    verify_package(trained_project.root / "build" / "bento", None, trusted_keys=trusted)


def test_bundle_for_the_edge_answers_as_score_does_and_its_log_comes_home_once(
    trained_project: Small, flights_table: pd.DataFrame, contract: Contract
) -> None:
    rows = flights_table[[column.name for column in contract.request_columns]].tail(10).reset_index(drop=True)
    rows.to_json(trained_project.root / "rows.jsonl", orient="records", lines=True, date_format="iso")
    bundle = trained_project.json("package", "--edge", "flights-edge")["edge"]
    asked = [f"{bundle['path']}/predict.py", "rows.jsonl", "--out", "answers.jsonl", "--digest"]

    def predict(digest: str) -> subprocess.CompletedProcess[str]:
        command, folder = [sys.executable, *asked, digest], trained_project.root
        return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)

    done, other = predict(bundle["digest"]), predict("0" * 64)

    assert (done.returncode, other.returncode) == (0, 7), done.stderr + other.stderr
    assert bundle["path"] in trained_project.run("package", "--edge", "flights-edge").stdout
    answers = pd.read_json(trained_project.root / "answers.jsonl", lines=True)
    trained_project.json("score", "rows.jsonl", "scored.parquet", "--no-log")
    scored = pd.read_parquet(trained_project.root / "scored.parquet")
    assert answers["probability"].tolist() == pytest.approx(scored["probability"].tolist(), abs=1e-9)
    assert answers["label"].tolist() == scored["label"].astype(bool).tolist()
    came = [trained_project.json("predictions", "import", "flights-edge-predictions") for _ in range(2)]
    assert [each["rows"] for each in came] == [10, 0]
