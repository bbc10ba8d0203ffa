"""One row has one answer: over HTTP, by the inference protocol, from files, at the edge, and of the training code."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import edges
import httpx
import numpy as np
import pandas as pd
import pytest
import rides
from conftest import served
from projects import Small

from evergreen.config.settings import Settings
from evergreen.learning import features
from evergreen.learning.model.release import load_release
from serving.app import create_app

SAME, CLOSE = 1e-9, 1e-5  # of our own doors among each other, and to the pipeline that was fitted
ORDERS = 200
TOGETHER = (1, 2, 16, 64, 65, 500)
OUTPUT = {"binary": "probability", "multiclass": "probability", "regression": "value"}


class Answers(NamedTuple):
    """What was answered to rows, one of each: the number, and the label where the task has one."""

    numbers: list[float]
    labels: list[Any]

    @classmethod
    def of(cls, said: Sequence[Any], task: str) -> "Answers":
        return cls([each[OUTPUT[task]] for each in said], [each.get("label") for each in said])


class Door(NamedTuple):
    """A trained project, its bundle, its held-out rows as a table and as a caller sends them, and a client."""

    task: str
    project: Small
    bundle: Path
    rows: pd.DataFrame
    sent: list[dict[str, Any]]
    client: httpx.Client

    def ask(self, rows: Sequence[dict[str, Any]]) -> Answers:
        response = self.client.post("/predict", json={"rows": rows})
        assert response.status_code == 200, response.text
        return Answers.of(response.json()["predictions"], self.task)


@pytest.fixture(scope="module", params=rides.TASKS)
def door(request: pytest.FixtureRequest, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp(request.param)
    trained = rides.trained(folder / "project", project, request.param)
    (bundle,) = (trained.home / "bentoml" / "bentos" / "rides").glob("*/src")
    _, model = load_release(bundle)
    rows = rides.held_out(request.param, model.contract, model.features)
    assert len(rows) == rides.N_HELD_OUT
    names = [column.name for column in (*model.contract.request_columns, *model.given)]
    with served(create_app(bundle, Settings(home=folder / "home"))) as client:
        yield Door(request.param, trained, bundle, rows[names], as_json(rows[names]), client)


def as_json(rows: pd.DataFrame) -> list[dict[str, Any]]:
    plain = rows.astype("object").where(rows.notna(), None)
    return [
        {name: value.isoformat() if isinstance(value, pd.Timestamp) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def pipeline_of(door: Door) -> Answers:
    """Return what the training code says: the pipeline, asked with the features that it builds."""
    release, model = load_release(door.bundle)
    built = features.build(door.rows, model.contract, model.features, model.lookups)
    inputs = built[features.inputs(model.contract, model.features).names]
    if door.task == "regression":
        return Answers(model.pipeline.predict(inputs).tolist(), [None] * len(inputs))
    shares = model.pipeline.predict_proba(inputs)
    if door.task == "binary":
        return Answers(shares[:, 1].tolist(), (shares[:, 1] >= release.threshold).tolist())
    return Answers(shares.max(axis=1).tolist(), [model.classes[at] for at in shares.argmax(axis=1)])


def score(door: Door, name: str) -> Answers:
    """Return what `evergreen score` writes for the rows of a file."""
    source, target = door.project.root / f"asked-{name}", door.project.root / f"answered-{name}"
    if source.suffix == ".csv":
        rides.written(door.rows).to_csv(source, index=False)
    else:
        door.rows.to_parquet(source, index=False)
    told = door.project.json("score", source.name, target.name)
    assert (told["scored"], told["refused"]) == (len(door.rows), 0)
    found = pd.read_csv(target) if target.suffix == ".csv" else pd.read_parquet(target)
    return Answers.of(found.to_dict("records"), door.task)


def infer(door: Door) -> Answers:
    """Return what the inference protocol answers."""
    described = door.client.get("/v2/models/rides").json()["inputs"]
    n = len(door.sent)
    inputs = [{**each, "shape": [n, 1], "data": [row[each["name"]] for row in door.sent]} for each in described]
    response = door.client.post("/v2/models/rides/infer", json={"inputs": inputs})
    assert response.status_code == 200, response.text
    data = {output["name"]: output["data"] for output in response.json()["outputs"]}
    return Answers(data[OUTPUT[door.task]], data.get("label", [None] * n))


def at_the_edge(door: Door) -> Answers:
    """Return what a bundle of `evergreen package --edge` answers."""
    told = door.project.json("package", "--edge", str(door.project.root / "edge"))
    rows = "".join(json.dumps(row) + "\n" for row in door.sent)
    done = edges.run(Path(told["edge"]["path"]), "-", "--digest", told["edge"]["digest"], input=rows)
    assert done.returncode == 0, done.stderr
    return Answers.of(edges.answers(done.stdout), door.task)


def largest_difference(one: Answers, other: Answers) -> float:
    return float(np.abs(np.subtract(one.numbers, other.numbers)).max())


def test_thousand_rows_have_one_answer_at_every_door(door):
    doors = {
        "v2": infer(door),
        "csv": score(door, "rows.csv"),
        "parquet": score(door, "rows.parquet"),
        "edge": at_the_edge(door),
    }
    asked, fitted = door.ask(door.sent), pipeline_of(door)

    apart = {name: largest_difference(said, asked) for name, said in doors.items()}
    assert {name: distance for name, distance in apart.items() if distance > SAME} == {}
    assert [name for name, said in doors.items() if said.labels != asked.labels] == []
    assert largest_difference(asked, fitted) <= CLOSE
    assert asked.labels == fitted.labels
    assert np.ptp(asked.numbers) > 0.1


def test_order_of_keys_changes_nothing(door):
    rng = random.Random(1)
    row = door.sent[17]
    answer = door.ask([row])
    for _ in range(ORDERS):
        assert door.ask([dict(rng.sample([*row.items()], len(row)))]) == answer


@pytest.mark.parametrize("n", TOGETHER)
def test_row_has_the_same_answer_in_whatever_company_it_comes(door, n):
    together, whole = door.ask(door.sent[-n:]), door.ask(door.sent)
    assert together.labels == whole.labels[-n:]
    assert together.numbers == pytest.approx(whole.numbers[-n:], rel=0, abs=SAME)


def test_cells_of_the_training_file_are_read_as_it_was_and_the_row_may_come_with_its_key(door):
    file = rides.written(door.rows).assign(ride=range(len(door.rows)), tip="whatever")
    spelled = as_json(file[file["member"].notna()].head(50))
    assert {row["member"] for row in spelled} == {"Yes", "No"}

    plain = [row for row in door.sent if row["member"] is not None][:50]

    assert door.ask(spelled) == door.ask(plain)
