"""The scorer: what it is made of fits together, or it is refused; threads may share it."""

from concurrent.futures import ThreadPoolExecutor

import compiling
import numpy as np
import onnx
import pytest

from evergreen.adapters.onnx_export.compiling import rows_of
from evergreen.learning.model.compiled import golden
from evergreen.learning.model.compiled.plan import CompiledError
from evergreen.learning.model.compiled.reading import Unusual
from evergreen.learning.model.compiled.scorer import GRAPH, PLAN, Scorer


@pytest.fixture(scope="module")
def files():
    return compiling.made("binary", "lightgbm")[2].files


def test_scorer_says_what_it_is_asked_with_and_what_it_answers(files):
    scorer = Scorer.from_files(files)

    names = ["start", "booked", "zone", "shop", "fare", "seats", "member", "passport", "last_fare"]
    assert [column.name for column in scorer.columns] == names
    assert (scorer.task, scorer.classes) == ("binary", ())
    assert golden.check(scorer) <= 1e-12


@pytest.mark.parametrize("name", [PLAN, GRAPH])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_scorer_without_a_whole_plan_and_graph_is_refused(files, name, content):
    damaged = {path: each for path, each in {**files, name: content}.items() if each is not None}

    with pytest.raises(CompiledError) as caught:
        Scorer.from_files(damaged)
    assert caught.value.code == "CMP001"


def test_graph_with_another_input_is_refused(files):
    model = onnx.load_from_string(files[GRAPH])
    model.graph.input.append(onnx.helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [None]))

    with pytest.raises(CompiledError, match="and no other"):
        Scorer.from_files({**files, GRAPH: model.SerializeToString()})


def test_graph_of_another_model_is_refused(files):
    wider = compiling.made("binary", "lightgbm", params={"encode": {"shop": "onehot"}})[2].files
    classes = compiling.made("multiclass", "lightgbm")[2].files

    with pytest.raises(CompiledError, match="the plan makes"):
        Scorer.from_files({**files, GRAPH: wider[GRAPH]})
    with pytest.raises(CompiledError, match="answers with shape"):
        Scorer.from_files({**files, GRAPH: classes[GRAPH]})


def test_threads_that_share_a_scorer_get_the_answers_of_one(files):
    scorer = Scorer.from_files(files)
    batch = compiling.batch(compiling.rows())
    expected, rows = scorer.estimate_batch(batch), rows_of(batch, scorer)

    def asked(turn):
        if turn % 2:
            return np.array_equal(scorer.estimate_batch(batch), expected)
        found = [scorer.estimate(scorer.encode_rows([row]))[0] for row in rows[turn : turn + 200]]
        return np.array_equal(found, expected[turn : turn + 200])

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(asked, range(24)))


def test_raw_rows_are_read_encoded_and_estimated(files):
    scorer = Scorer.from_files(files)
    row = ["2024-03-10T12:00:00Z", None, "north", "3", 8, 2.0, True, "Ada", None]
    instant = 1_710_072_000_000_000

    typed = (instant, None, "north", "3", 8.0, 2, True, "Ada", None)
    assert scorer.estimate_raw([row]) == scorer.estimate(scorer.encode_rows([typed]))
    with pytest.raises(Unusual):
        scorer.estimate_raw([[None, *row[1:]]])
