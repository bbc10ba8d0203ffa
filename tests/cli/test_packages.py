"""What a version that is handed on comes from, as its proof says."""

import platform

from cli import packages
from evergreen.project import Project


def test_version_comes_from_the_commit_of_its_proof_and_of_an_older_one_nothing_is_known(visited: Project) -> None:
    champion = visited.champion()

    origin = packages.origin_of(visited, champion)
    older = packages.origin_of(visited, champion.model_copy(update={"proof": None}))

    assert origin.python == older.python == platform.python_version()
    assert (older.commit, older.changed, older.short) == ("unknown", False, "unknown")
    assert origin.short.startswith(origin.commit[:7])
