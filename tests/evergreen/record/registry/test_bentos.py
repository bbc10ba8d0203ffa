"""Where a version's package lies, and that it is known by what the ledger keeps, without BentoML."""

import shutil
from pathlib import Path

import promoted
import pytest
import released

from evergreen.base.errors import IntegrityError
from evergreen.config.settings import Settings
from evergreen.record.registry import bentos


@pytest.fixture(scope="module")
def packed(tmp_path_factory, project):
    """A home with the package of a release, the release, and the digest of the package."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "src").mkdir()
    release = released.bundle(folder / "src")
    digest = released.pack(folder / "src", project)
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(folder, bentos.path_of(release, home))
    return home, release, digest


def test_release_of_a_version_is_what_the_ledger_says_of_it(packed):
    _, release, _ = packed
    facts = promoted.facts(release, package="a" * 64)

    assert bentos.release_of(facts) == release
    assert bentos.tag_of(release) == f"parcels:v3-{release.model_digest[:8]}"


def test_package_that_is_as_it_was_sealed_is_found_where_its_release_says(packed):
    home, release, digest = packed

    found = bentos.check(release, home, digest)

    assert found.digest == digest
    assert found.path == home / "bentoml" / "bentos" / "parcels" / f"v3-{release.model_digest[:8]}"
    assert not bentos.is_missing(release, home, digest)


def test_package_of_another_release_or_digest_is_refused(packed):
    home, release, digest = packed

    with pytest.raises(IntegrityError, match=r"threshold 0\.25"):
        bentos.check(release.model_copy(update={"threshold": 0.25}), home, digest)
    with pytest.raises(IntegrityError, match="not the one of digest 000000000000"):
        bentos.check(release, home, "0" * 64)
    assert bentos.is_missing(release.model_copy(update={"version": 4}), home, digest)


def test_package_that_changed_is_refused_if_it_is_there(packed, tmp_path):
    home, release, digest = packed
    facts = promoted.facts(release, package=digest)
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    settings = Settings(home=copy)
    bentos.require_unchanged(facts, settings)

    (bentos.path_of(release, copy) / "src" / "release.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"release\.json"):
        bentos.require_unchanged(facts, settings)

    shutil.rmtree(bentos.path_of(release, copy))
    bentos.require_unchanged(facts, settings)
