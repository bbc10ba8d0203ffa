"""The prove step: what a candidate was made of and judged on, whole, and nothing personal."""

import io
import json

import candidates
import pandas as pd
import proofs
import pytest
import tables

from evergreen.config.contract.contract import Contract
from evergreen.learning.model import model as models
from evergreen.record.registry import proof as kept
from evergreen.record.registry.case import verdict_of
from evergreen.record.registry.proof import ANSWERS, GOLDEN, METRICS, ROWS
from evergreen.record.tracker import Run
from tasks.prove import spread

EVERY = pytest.mark.parametrize("which", tables.TASKS)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a function that gives the one chain of a table."""
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


def read(chain, ref):
    return kept.read(chain.ws.path(ref.uri), ref.sha256)


def frame(content):
    return pd.read_parquet(io.BytesIO(content))


@EVERY
def test_verdict_follows_from_the_rows_and_values_of_the_proof(which, chain):
    made = chain(which)
    case = proofs.case_of(made)
    proof, files = read(made, proofs.proved(made, case))

    assert files[ROWS] == made.ws.path(case.compared.table.uri).read_bytes()
    assert verdict_of(proof, frame(files[ROWS])) == proof.verdict == verdict_of(case, made.ws.read(case.compared.table))


@EVERY
def test_golden_rows_are_asked_as_a_caller_asks_and_answered_by_what_is_promoted(which, chain):
    made = chain(which)
    case = proofs.case_of(made)
    test = made.ws.read(case.candidate.test)
    _, files = read(made, proofs.proved(made, case))
    golden, answers = frame(files[GOLDEN]), frame(files[ANSWERS])

    assert list(golden) == [column.name for column in made.contract.request_columns]
    assert len(golden) == len(answers) == min(100, len(test))
    names = list(golden)
    pd.testing.assert_frame_equal(
        golden.iloc[[0, -1]].reset_index(drop=True), test[names].iloc[[0, -1]].reset_index(drop=True)
    )
    taken = case.candidate.taking(read(made, proofs.proved(made, case))[0].taken)
    loaded = models.load(made.ws.path(taken.model.uri), taken.model.sha256)
    expected = loaded.predict(golden).answers(taken.report.threshold)
    pd.testing.assert_frame_equal(answers, pd.DataFrame(expected), check_dtype=False, rtol=0, atol=1e-12)


def test_answers_are_those_of_the_model_that_is_promoted_and_not_of_the_one_that_was_judged(chain):
    made = chain("binary")
    case = proofs.case_of(made)
    model, baseline = (
        frame(read(made, proofs.proved(made, case, model=ref))[1][ANSWERS])
        for ref in (made.trained.model, made.trained.baseline)
    )
    assert (model["probability"] - baseline["probability"]).abs().max() > 1e-6


def test_numbers_are_those_that_were_logged(chain):
    made = chain("binary")
    run = Run(run_id="r", uri="u", metrics={"roc_auc": 0.1 + 0.2, "onnx_rows": 5000.0})
    proof, files = read(made, proofs.proved(made, proofs.case_of(made), run=run))
    assert json.loads(files[METRICS]) == run.metrics
    assert proof.run_id == "r"


def test_proof_says_who_and_with_what(chain):
    made = chain("binary")
    proof, _ = read(made, proofs.proved(made, proofs.case_of(made)))
    assert (proof.name, proof.author, proof.commit.sha) == ("tumours", proofs.AUTHOR, "abc")
    assert set(proof.digests) == {"code_digest", "params_digest", "lock_digest"}
    assert "scikit-learn" in proof.packages


def test_written_again_it_is_the_same_folder(chain):
    made = chain("binary")
    case = proofs.case_of(made)
    assert proofs.proved(made, case) == proofs.proved(made, case)


def test_no_personal_value_is_in_any_file(chain):
    made = chain("binary")
    columns = {
        "mean_area": {"pii": "keep"},
        "ward": {"pii": "keep"},  # a protected column, after whose values slices are called
        "note": {"pii": "mask"},
    }
    changed = [{**c, **columns.get(c["name"], {})} for c in made.contract.model_dump()["columns"]]
    contract = Contract.model_validate({**made.contract.model_dump(by_alias=True), "columns": changed})
    loaded = models.load(made.ws.path(made.trained.model.uri), made.trained.model.sha256)
    model = models.save(
        made.ws, "personal", loaded.pipeline, contract=contract, features=loaded.features, about={"seed": 7}
    )
    valid = made.ws.write("valid", made.ws.read(made.valid).assign(ward="Room of Ms Smith"))
    candidate = candidates.of(made, model=model, valid=valid)
    case = proofs.case_of(made, candidate=candidate)
    ref = proofs.proved(made, case, model=model, contract=contract)
    proof, files = read(made, ref)

    assert frame(files[GOLDEN])["mean_area"].unique().tolist() == [0.0]
    assert frame(files[GOLDEN])["mean_radius"].nunique() > 50
    assert "ward group 1" in proof.compared.slices.values()
    for content in files.values():
        assert b"Smith" not in content
        assert b"free text" not in content
    assert not {"mean_area", "ward", "note"} & set(frame(files[ROWS]))


@pytest.mark.parametrize(("n", "kept_rows"), [(3, [0, 1, 2]), (101, [*range(50), *range(51, 101)]), (1, [0])])
def test_rows_are_spread_from_the_first_to_the_last(n, kept_rows):
    found = spread(pd.DataFrame({"row": range(n)}), 100)["row"].tolist()
    assert (len(found), found[0], found[-1]) == (min(n, 100), kept_rows[0], kept_rows[-1])
    assert len(set(found)) == len(found)
