"""What the check of a packaged service compares, and the rows that it sends."""

import json
import math

import pandas as pd
import pytest
import released

from cli.service import apart, example_rows
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.record.outcomes import VersionFacts
from serving.decoding import Decoder


@pytest.mark.parametrize(
    ("answer", "expected", "distance"),
    [
        ({"label": True, "probability": 0.75}, {"label": True, "probability": 0.5}, 0.25),
        ({"label": True, "probability": 0.5}, {"label": False, "probability": 0.5}, math.inf),
        ({"label": "a", "probability": 0.5}, {"label": "b", "probability": 0.5}, math.inf),
        ({"label": "a", "probability": 0.5}, {"label": "a", "probability": 0.5}, 0.0),
        ({"value": 200.0}, {"value": 100.0}, 0.5),
        ({"value": 0.25}, {"value": 0.0}, 0.25),
        ({"value": -3.0}, {"value": -3.0}, 0.0),
    ],
)
def test_answers_are_as_far_apart_as_the_table_says(answer, expected, distance):
    assert apart({"prediction_id": "x", **answer}, expected) == distance


def test_example_rows_are_sent_as_the_service_takes_them(tmp_path):
    columns = [
        *(
            {**column, "role": "ignore"} if column["name"] == "parcel" else column
            for column in released.CONTRACT.model_dump()["columns"]
        ),
        {"name": "booked", "type": "timestamp", "role": "feature", "nullable": True},
    ]
    contract = Contract.model_validate({**released.CONTRACT.model_dump(), "key": [], "columns": columns})
    rows = released.table(20).assign(booked=pd.Timestamp("2024-01-01T10:30:00Z"))
    settings = Settings(home=tmp_path)
    ws = Workspace(root=settings.workspace)
    built = rows.assign(**features.build(rows, contract, released.FEATURES))
    ref = models.save(ws, "model", released.fitted("prior"), contract=contract, features=released.FEATURES, about={})
    judged = released.judged("parcels", 1, ref.sha256)
    champion = VersionFacts(
        version=1,
        judged=judged,
        candidate="k",
        artifact=ref,
        train=ws.write("train", built),
        data_end=None,
        threshold=0.5,
        run_id="r",
        bento="b",
    )

    sent = example_rows(settings, champion, n=20)

    decoder = Decoder(models.load(ws.path(ref.uri), ref.sha256))
    taken = decoder.decode(json.dumps({"rows": sent}).encode()).rows
    at = {column.name: [row[place] for row in taken] for place, column in enumerate(decoder.columns)}
    assert at["insured"] == rows["insured"].tolist()
    for name in ("booked", "handed_in"):
        assert pd.to_datetime(pd.Series(at[name]), unit="us", utc=True).tolist() == rows[name].tolist()
