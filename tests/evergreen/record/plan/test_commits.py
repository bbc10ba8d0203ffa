"""What git says of a project, with real repositories."""

import os
import shutil
import subprocess

import pytest

from evergreen.base.errors import ConfigError
from evergreen.record.plan import commits
from evergreen.record.plan.commits import Commit

AUTHOR = {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def git(tmp_path):
    """Return a function that runs git in the repository, which holds a project."""
    environment = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull}

    def run(*arguments):
        done = subprocess.run(["git", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run("init", "--quiet")
    (tmp_path / "configs" / "parcels").mkdir(parents=True)
    (tmp_path / "configs" / "parcels" / "contract.yaml").write_text("name: parcels\n")
    (tmp_path / "params.yaml").write_text("seed: 7\n")
    (tmp_path / ".gitignore").write_text(".evergreen/\n")
    run("add", ".")
    run("commit", "--quiet", "--message", "first")
    return run


def test_commit_of_a_clean_checkout_is_its_head(git, tmp_path):
    found = commits.read(tmp_path)

    assert found == Commit(sha=git("rev-parse", "HEAD"))
    found.require_clean(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda root: (root / "params.yaml").write_text("seed: 8\n"), "params.yaml"),
        (lambda root: (root / "params.yaml").unlink(), "params.yaml"),
        (lambda root: (root / "configs" / "new.yaml").write_text("a: 1\n"), "configs/new.yaml"),
        (lambda root: (root / "configs" / "größe.yaml").write_text("a: 1\n"), "configs/größe.yaml"),
        (lambda root: (root / os.fsdecode(b"configs/gr\xf6.yaml")).write_text("a: 1\n"), "configs/gr\ufffd.yaml"),
    ],
    ids=["changed", "deleted", "untracked", "umlaut", "latin-1"],
)
def test_change_to_what_decides_a_training_is_dirty(git, tmp_path, change, named):
    change(tmp_path)

    found = commits.read(tmp_path)

    assert (found.dirty, found.changed, found.sha) == (True, (named,), git("rev-parse", "HEAD"))
    with pytest.raises(ConfigError, match=f"changes are not committed: {named};") as caught:
        found.require_clean(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("REG001", 2)
    assert "--allow-dirty" in caught.value.next_step


def test_change_that_is_staged_is_dirty_until_it_is_committed(git, tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 8\n")
    git("add", "params.yaml")
    assert commits.read(tmp_path).dirty

    git("commit", "--quiet", "--message", "second")

    assert not commits.read(tmp_path).dirty


@pytest.mark.parametrize("name", ["notes.md", ".evergreen/state.db", "docs/page.md"])
def test_change_to_anything_else_is_clean(git, tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("anything")

    assert not commits.read(tmp_path).dirty


def test_many_changes_are_counted(git, tmp_path):
    for number in range(9):
        (tmp_path / "configs" / f"{number}.yaml").write_text("")

    with pytest.raises(ConfigError, match=r"configs/4.yaml and 4 more"):
        commits.read(tmp_path).require_clean(tmp_path)


def test_folder_without_a_checkout_has_an_unknown_commit_and_is_clean(tmp_path):
    assert commits.read(tmp_path) == Commit(sha="unknown")


def test_project_below_the_top_of_a_checkout_is_judged_alone(git, tmp_path):
    below = tmp_path / "teams" / "parcels"
    below.mkdir(parents=True)
    shutil.copy(tmp_path / "params.yaml", below)
    assert commits.read(below).changed == ("teams/parcels/params.yaml",)
    assert not commits.read(tmp_path).dirty


def test_project_that_the_checkout_around_it_ignores_has_an_unknown_commit(git, tmp_path):
    ignored = tmp_path / ".evergreen" / "copy"
    ignored.mkdir(parents=True)
    shutil.copy(tmp_path / "params.yaml", ignored)

    assert commits.read(ignored) == Commit(sha="unknown")


def test_checkout_before_its_first_commit_is_dirty(tmp_path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "params.yaml").write_text("seed: 7\n")

    assert commits.read(tmp_path) == Commit(sha="unknown", changed=("params.yaml",))


def test_checkout_that_git_cannot_read_is_never_clean(git, tmp_path):
    (tmp_path / ".git" / "HEAD").write_text("broken")

    found = commits.read(tmp_path)

    assert found.dirty
    with pytest.raises(ConfigError, match="git cannot say what has changed: fatal") as caught:
        found.require_clean(tmp_path)
    assert caught.value.code == "REG001"


def test_author_is_the_one_of_the_commit_and_unknown_without_one(git, tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 8\n")
    git("-c", "user.name=x", "commit", "--quiet", "--all", "--author", "Zoë Ångström <zoe@example.org>", "-m", "more")
    assert commits.author(tmp_path) == "Zoë Ångström <zoe@example.org>"

    ignored = tmp_path / ".evergreen" / "copy"
    ignored.mkdir(parents=True)
    shutil.copy(tmp_path / "params.yaml", ignored)
    assert commits.author(ignored) is None


def test_folder_without_a_commit_has_no_author(tmp_path):
    assert commits.author(tmp_path) is None
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert commits.author(tmp_path) is None


def test_new_file_is_seen_whatever_the_users_settings_hide(git, tmp_path):
    git("config", "status.showUntrackedFiles", "no")
    (tmp_path / "configs" / "größe.yaml").write_text("")

    assert commits.read(tmp_path).changed == ("configs/größe.yaml",)


def test_machine_without_git_cannot_say_that_a_checkout_is_clean(git, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    found = commits.read(tmp_path)

    assert (found.sha, found.dirty) == ("unknown", True)
    assert "'git'" in found.why_unknown


def test_commit_of_a_file_is_that_which_changed_it_last(git, tmp_path):
    assert commits.commit_of(tmp_path, tmp_path / "params.yaml") == git("rev-parse", "HEAD")
    first = git("rev-parse", "HEAD")
    (tmp_path / "notes.md").write_text("a note\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "second")
    assert commits.commit_of(tmp_path, tmp_path / "params.yaml") == first


@pytest.mark.parametrize("hidden", [False, True])
def test_file_that_is_not_as_it_was_committed_is_refused_even_if_git_was_told_to_look_away(hidden, git, tmp_path):
    if hidden:
        git("update-index", "--assume-unchanged", "params.yaml")
    (tmp_path / "params.yaml").write_text("seed: 8\n")
    with pytest.raises(ConfigError, match="changed since it was committed") as caught:
        commits.commit_of(tmp_path, tmp_path / "params.yaml")
    assert caught.value.code == "CFG072"
    git("add", ".")  # which is no commit


def test_file_that_git_does_not_know_or_that_is_elsewhere_is_refused(git, tmp_path, tmp_path_factory):
    (tmp_path / "new.yaml").write_text("a: 1\n")
    outside = tmp_path_factory.mktemp("outside") / "params.yaml"
    outside.write_text("seed: 7\n")
    for file, what in [
        (tmp_path / "new.yaml", "not committed"),
        (tmp_path / "none.yaml", "not found"),
        (tmp_path / "configs", "not found"),
        (outside, "outside the project"),
    ]:
        with pytest.raises(ConfigError, match=what):
            commits.commit_of(tmp_path, file)
    with pytest.raises(ConfigError, match="not committed"):  # where there is no repository at all
        commits.commit_of(outside.parent, outside)
