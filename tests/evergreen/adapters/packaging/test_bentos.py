"""A version's bento: its name, its place, and whether every byte of it is as it was packaged."""

import keys
import pytest

from evergreen.adapters import packaging
from evergreen.base.errors import ConfigError, IntegrityError


def test_bento_is_named_after_the_release(bento, source, home):
    _, release = source

    assert bento.tag == f"parcels:v3-{release.model_digest[:8]}"
    assert packaging.check(release, home, bento.digest) == bento
    assert packaging.whole(release, home, bento.digest)


def test_bento_of_another_threshold_is_not_taken_for_the_release(bento, source, home):
    _, release = source
    other = release.model_copy(update={"threshold": 0.25})

    assert not packaging.whole(other, home, None)
    with pytest.raises(IntegrityError, match=r"threshold 0\.25"):
        packaging.check(other, home, None)


def test_bento_is_signed_and_one_that_no_trusted_key_signed_is_refused(bento, source, project, copied, tmp_path):
    model_folder, release = source
    home, _ = copied
    trusted = tmp_path / "keys" / "trusted"
    trusted.mkdir(parents=True)
    key, _ = keys.pair(tmp_path / "keys" / "team.pem", trusted / "team.pem")
    places = {"project": project, "home": home, "digest": bento.digest, "trusted_keys": trusted}

    with pytest.raises(IntegrityError, match="INT017: it is not signed"):
        packaging.check(release, home, bento.digest, trusted_keys=trusted)
    with pytest.raises(IntegrityError, match="INT017: it is not signed"):
        packaging.build(model_folder, release, **places)
    signed = packaging.build(model_folder, release, **places, signing_key=key)

    assert signed.digest == bento.digest
    assert packaging.check(release, home, bento.digest, trusted_keys=trusted) == signed
    assert packaging.check(release, home, bento.digest) == signed
    with pytest.raises(ConfigError, match="in the repository"):
        packaging.build(model_folder, release, project=tmp_path, home=tmp_path / "new", signing_key=key)
