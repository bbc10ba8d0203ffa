"""What an integrity error says to do next is done, for each of them, and helps."""

import ast
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import keys
import pytest
from damaged import champion, flip, packed

from cli import doctor, packages
from evergreen.adapters import packaging
from evergreen.adapters.packaging import release_of
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.learning.model.model import load
from evergreen.learning.model.release import load_release
from evergreen.record.ledger.ledger import Ledger, seen_from

ROOT = Path(__file__).parents[2]
# Where the advice of each is followed; the others are of what nobody can mend on the spot, and say so.
FOLLOWED = {
    "INT001": "tests/cli/test_mending.py::test_whatever_of_a_version_is_damaged_is_put_back_by_making_it_again",
    "INT002": "tests/evergreen/record/plan/test_records.py::"
    "test_record_whose_artifact_was_changed_is_dropped_and_its_step_runs_again",
    "INT003": "tests/cli/test_mending.py::test_model_is_put_back_from_its_package",
    "INT005": "::test_ledger_is_as_it_was_once_its_copy_is_back",
    "INT008": "::test_release_is_read_again_once_its_version_is_packaged_again",
    "INT009": "tests/evergreen/data/datasets/test_versions.py::test_damaged_version_is_replaced",
    "INT016": "::test_package_is_built_again_once_the_code_of_its_version_is_back",
    "INT017": "::test_package_is_taken_once_its_key_is_trusted",
    "INT018": "::test_package_is_built_again_once_its_folder_is_deleted",
    "INT019": "::test_model_that_is_no_longer_ours_is_put_back_by_the_doctor",
    "INT021": "tests/evergreen/learning/tuning/test_study.py::"
    "test_file_of_studies_that_is_damaged_is_said_and_made_anew_once_it_is_deleted",
    "INT022": "tests/evergreen/data/test_personal.py::"
    "test_key_of_which_one_bit_was_changed_is_refused_until_it_is_put_back",
    "CMP001": "::test_model_that_is_no_longer_ours_is_put_back_by_the_doctor",
}
NOT_MENDED = {
    "INT004": "a file that is not to be used",
    "INT006": "a fault to be reported",
    "INT007": "a fault to be reported",
    "INT014": "another training makes it",
    "INT015": "another training makes it",
    "INT020": "of a version from before there were proofs",
    "PKG008": "of a folder on another machine",
    "CMP002": "of a machine that counts otherwise",
    "DR003": "of a library of another version",
    "SRV032": "the service starts anew",
    "TRK002": "of a tracker that people write to",
}


def test_every_integrity_error_is_followed_or_said_to_have_nothing_to_follow():
    page = (ROOT / "docs/reference/errors.md").read_text()
    assert {*FOLLOWED, *NOT_MENDED} == set(re.findall(r"^\| `(\w+)` \| 7 \|", page, re.MULTILINE))
    assert not {*FOLLOWED} & {*NOT_MENDED}
    for place in FOLLOWED.values():
        path, _, name = place.partition("::")
        tree = ast.parse((ROOT / path if path else Path(__file__)).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, place


def refused(code, do, *arguments, **named):
    """Return the next step of the integrity error that a call ends with."""
    with pytest.raises(IntegrityError) as caught:
        do(*arguments, **named)
    assert caught.value.code == code
    return caught.value.next_step


# -- the ledger --------------------------------------------------------------------------------------------------


def edited(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE entries SET payload = payload || ' ' WHERE seq = 1")
        database.commit()


DAMAGES = {
    "an entry": edited,
    "the beginning": lambda path: path.write_bytes(b"\xff" * 200 + path.read_bytes()[200:]),
    "the end": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "all of it": lambda path: path.write_bytes(b"not a database" * 999),
}


def copy_of(path, to):
    """Copy a database as SQLite's own backup does, and leave nothing of its log beside the original."""
    with closing(sqlite3.connect(path)) as database, closing(sqlite3.connect(to)) as copy:
        database.backup(copy)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return to


def restored(copy, path):
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    shutil.copy(copy, path)


def opened(settings):
    ledger = Ledger.open(settings)
    try:
        return ledger.verify()
    finally:
        ledger.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_ledger_is_as_it_was_once_its_copy_is_back(visited, tmp_path, damage):
    settings, path = visited.settings, visited.settings.home / "ledger.db"
    facts, entries = champion(visited), opened(settings)
    copy = copy_of(path, tmp_path / "copy.db")
    DAMAGES[damage](path)
    assert "Restore the ledger from a copy" in refused("INT005", opened, settings)
    restored(copy, path)
    assert opened(settings) == entries
    assert champion(visited) == facts


def test_older_copy_of_a_ledger_goes_on_once_what_was_seen_is_deleted(visited, tmp_path):
    settings, path = visited.settings, visited.settings.home / "ledger.db"
    entries = opened(settings)
    copy = copy_of(path, tmp_path / "copy.db")
    visited.ledger().record("visits", "kind", "key", {})
    assert opened(settings) == entries + 1
    restored(copy, path)
    told = refused("INT005", opened, settings)
    assert str(seen_from(settings)) in told
    seen_from(settings).unlink()
    assert opened(settings) == entries


# -- packages ----------------------------------------------------------------------------------------------------


@pytest.fixture
def built(visited, project):
    """Settings of a project of visits in this checkout's code, and its champion with a package."""
    settings = visited.settings.model_copy(update={"project": project})
    facts = champion(visited).model_copy(update={"package": None})
    bento = packages.bento_of(settings, facts)
    return settings, facts.model_copy(update={"package": bento.digest}), bento


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text('{"model": "vis')])
def test_release_is_read_again_once_its_version_is_packaged_again(built, damage):
    settings, facts, bento = built
    damage(bento.path / "src" / "release.json")
    assert "package the version again" in refused("INT008", load_release, bento.path / "src")
    packaging.restore(facts, settings)
    assert load_release(bento.path / "src")[0] == release_of(facts)


def test_package_is_built_again_once_its_folder_is_deleted(built):
    settings, facts, bento = built
    for name in ("src/serving/app.py", "bento.yaml"):
        flip(bento.path / name)
        assert "delete its folder: it is built again" in refused("INT018", packages.bento_of, settings, facts)
        shutil.rmtree(bento.path)
        assert packages.bento_of(settings, facts) == bento


def test_package_is_taken_once_its_key_is_trusted(built, tmp_path):
    settings, facts, bento = built
    ours = tmp_path / "ours"
    ours.mkdir()
    keys.pair(tmp_path / "other.pem", ours / "other.pem")
    key, public = keys.pair(tmp_path / "key.pem", tmp_path / "theirs.pem")
    guarded = settings.model_copy(update={"trusted_keys": ours})
    assert "Do not use it" in refused("INT017", packages.bento_of, guarded, facts)
    shutil.rmtree(bento.path)
    packaging.restore(facts, settings.model_copy(update={"signing_key": key}))
    told = refused("INT017", packages.bento_of, guarded, facts)
    assert f"put its public key into {ours}" in told
    shutil.copy(public, ours)
    assert packages.bento_of(guarded, facts).digest == bento.digest


def test_package_is_built_again_once_the_code_of_its_version_is_back(built, project, tmp_path):
    settings, facts, bento = built
    newer = tmp_path / "newer"
    newer.mkdir()
    for name in ("bentofile.yaml", "requirements.lock", "evergreen", "pyproject.toml"):
        (newer / name).symlink_to(project / name)
    shutil.copytree(project / "serving", newer / "serving")
    with (newer / "serving" / "app.py").open("a") as file:
        file.write("# newer\n")
    shutil.rmtree(bento.path)
    there = settings.model_copy(update={"project": newer})
    assert "Check out the commit of the version" in refused("INT016", packages.bento_of, there, facts)
    assert packages.bento_of(settings, facts) == bento


# -- models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("model.skops", b"\x80\x04N.", "INT019"),
        ("model.skops", b"PK\x05\x06" + bytes(18), "INT019"),
        ("compiled/plan.json", b"{}", "CMP001"),
        ("compiled/graph.onnx", b"nonsense", "CMP001"),
    ],
)
def test_model_that_is_no_longer_ours_is_put_back_by_the_doctor(visited, file, content, code):
    packed(visited)
    facts = champion(visited)
    folder = visited.workspace.path(facts.artifact.uri)
    made = load(folder, facts.artifact.sha256)
    # whoever changes a file may write a manifest to it, so that only what it holds gives it away
    about, files = read_folder(folder, facts.artifact.sha256)
    about = {name: value for name, value in about.items() if name != "files"}
    forged = Workspace(root=visited.workspace.root).write_folder("forged", {**files, file: content}, about)
    shutil.rmtree(folder)
    visited.workspace.path(forged.uri).rename(folder)

    def used():
        return load(folder, forged.sha256).scorer

    assert "evergreen doctor mends it" in refused(code, used)
    (found,) = doctor.artifacts(facts, visited.settings, repair=True)
    assert found.repaired
    assert load(folder, facts.artifact.sha256).digest == made.digest
