"""Approval by pull request: a file of the version's own model, committed as it was reviewed."""

import subprocess

import pytest

from cli import approvals
from evergreen.base.errors import ConfigError
from evergreen.record.outcomes import champion_facts


@pytest.fixture
def git(visited):
    """Return a function that runs git in the project, which is committed."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]

    def run(*arguments):
        argv = ["git", *who, *arguments]
        root = visited.settings.project
        return subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet")
    run("add", "params.yaml", "configs")
    run("commit", "--quiet", "--message", "first")
    return run


def commit(git, path, text=None):
    if text is not None:
        path.write_text(text)
    git("add", str(path))
    git("commit", "--quiet", "--message", "approve")


def refused(decide, *given):
    with pytest.raises(ConfigError) as caught:
        decide(*given)
    return caught.value


def test_file_that_was_filled_in_and_committed_says_who_and_why(visited, git):
    path = approvals.write(visited, 1)
    assert path == visited.settings.project / "configs" / "visits" / "approvals" / "1.yaml"
    assert refused(approvals.write, visited, 1).code == "CFG072"  # overwrites nothing
    text = path.read_text().replace('by: ""', "by: Grace").replace('reason: ""', "reason: reviewed in 17")
    path.write_text(text)
    assert "not committed" in refused(approvals.read, visited, 1, path).what
    commit(git, path)
    said = approvals.read(visited, 1, path)
    assert (said.by, said.reason, said.door, said.commit) == (
        "Grace",
        "reviewed in 17",
        "git",
        git("rev-parse", "HEAD"),
    )
    path.write_text(text.replace("Grace", "Eve"))
    assert "changed since" in refused(approvals.read, visited, 1, path).what


def test_file_nobody_filled_in_of_another_version_or_model_is_refused(visited, git):
    path = approvals.write(visited, 1)
    commit(git, path)
    assert refused(approvals.read, visited, 1, path).code == "CFG070"
    digest = champion_facts(visited.ledger(), "visits").artifact.sha256
    for version, model in [(2, digest), (1, "f" * 64)]:
        commit(git, path, f"version: {version}\nmodel_digest: {model}\nby: Grace\nreason: fine\n")
        assert refused(approvals.read, visited, 1, path).code == "CFG072"
    commit(git, path, f"version: 1\nmodel_digest: {digest}\nby: Grace\nreason: fine\nand: more\n")
    assert refused(approvals.read, visited, 1, path).code == "CFG004"
    assert refused(approvals.write, visited, 2).code == "STA004"
