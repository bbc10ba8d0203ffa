"""A release in memory: it answers as the model does, says what it is, and is not made of anything that is damaged."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import released

from evergreen.base.errors import IntegrityError
from evergreen.data.typed.schema import conform, from_pandas
from evergreen.learning.model.release import load_release
from serving.served import Served, to_batch


@pytest.fixture(scope="module")
def served(bundle: Path) -> Served:
    return Served.load(bundle, max_rows=50)


def typed(served: Served, n: int) -> list[list[object]]:
    body = json.dumps({"rows": released.requests(n)}).encode()
    return [list(row) for row in served.decoder.decode(body).rows]


def test_few_rows_and_many_are_answered_as_the_model_answers_them(served, bundle):
    _, model = load_release(bundle)
    expected = model.predict(released.table().head(50)).values

    together = served.estimate(typed(served, 50)).values
    alone = np.concatenate([served.estimate([row]).values for row in typed(served, 50)])

    assert served.is_quick
    np.testing.assert_allclose(together, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-9)


def test_model_without_a_compiled_form_is_answered_for_by_its_pipeline(tmp_path):
    released.bundle(tmp_path, compiles=False)
    served = Served.load(tmp_path)

    found = served.estimate(typed(served, 20)).values

    assert not served.is_quick
    np.testing.assert_array_equal(found, served.model.predict(released.table().head(20)).values)


def test_rows_become_columns_as_batch_scoring_types_them(served):
    columns = served.decoder.columns
    sent = from_pandas(released.table().head(30), columns)

    batch = to_batch(typed(served, 30), columns)

    expected = conform(sent, columns, zone=released.CONTRACT.timezone).select([column.name for column in columns])
    assert batch.equals(expected.cast(batch.schema))


def test_what_is_said_with_every_answer_is_of_this_release(served, release):
    assert json.loads(served.begin + b"[]}") == {"model": "parcels", "version": release.version, "predictions": []}
    assert dict(served.headers)[b"x-model-version"] == b"%d" % release.version
    document = json.loads(served.document)
    assert (document["info"]["title"], document["info"]["version"]) == ("parcels", str(release.version))
    assert document["components"]["schemas"]["PredictionRequest"]["properties"]["rows"]["maxItems"] == 50
    assert json.loads(served.schema)["version"] == release.version
    assert served.columns.keys[0].name == "parcel"


def test_it_knows_when_its_package_was_written(served, bundle):
    assert served.written == (bundle / "release.json").stat().st_mtime


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "release.json").write_text("{}"),
        lambda folder: (folder / "model" / "contract.json").write_text("{}"),
        lambda folder: (folder / "model" / "model.skops").write_bytes(b""),
        lambda folder: (folder / "model" / "compiled" / "graph.onnx").unlink(),
        lambda folder: shutil.rmtree(folder / "model"),
    ],
)
def test_damaged_release_is_not_loaded(bundle, tmp_path, damage):
    folder = shutil.copytree(bundle, tmp_path / "src")
    damage(folder)

    with pytest.raises(IntegrityError):
        Served.load(folder)
