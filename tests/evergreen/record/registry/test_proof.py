"""The proof as a folder: read only if it is whole."""

import proofs
import pytest
import tables

from evergreen.base.errors import IntegrityError
from evergreen.record.registry import proof as proofs_kept
from evergreen.record.registry.proof import ANSWERS, GOLDEN, METRICS, PROOF, ROWS


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    chain = tables.shared("binary", tmp_path_factory.mktemp("chains"))
    case = proofs.case_of(chain)
    ref = proofs.proved(chain, case)
    return case, chain.ws.path(ref.uri), ref.sha256


def test_proof_is_read_with_its_files(proof):
    case, folder, digest = proof
    found, files = proofs_kept.read(folder, digest)

    assert {name: getattr(found, name) for name in type(case).model_fields} == dict(case)
    assert set(files) == {PROOF, ROWS, GOLDEN, ANSWERS, METRICS}


def test_proof_that_was_changed_is_not_read(proof):
    _, folder, digest = proof
    kept = (folder / PROOF).read_bytes()
    (folder / PROOF).write_bytes(kept.replace(b'"promote": true', b'"promote": True'))
    try:
        with pytest.raises(IntegrityError, match=f"INT003: file '{PROOF}'"):
            proofs_kept.read(folder, digest)
    finally:
        (folder / PROOF).write_bytes(kept)
