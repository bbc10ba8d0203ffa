"""Rows in, answers out: what a row may hold, and that nothing is guessed."""

import io
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import released

from evergreen.base.errors import IntegrityError, ResourceError
from evergreen.learning.model.compiled.plan import NumberForm, PlanColumn
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Columns, LoggedColumn
from serving.edge.about import About
from serving.edge.predictor import Predictor
from serving.edge.rows import csv_rows


@pytest.fixture
def predictor(made, tmp_path):
    loaded = Predictor.load(made.bundle.path, tmp_path / "log")
    yield loaded
    loaded.close()


ROW = released.requests(1)[0]


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"weight": "12 kg"}, "weight", "a number"),
        ({"weight": "1,2"}, "weight", "a number"),
        ({"weight": True}, "weight", "a number"),
        ({"weight": 1e999}, "weight", "a number"),
        ({"weight": [1]}, "weight", "a number"),
        ({"handed_in": "2024-02-30"}, "handed_in", "a time"),
        ({"stops": 1.5}, "stops", "a whole number"),
        ({"insured": "maybe"}, "insured", "true or false"),
        ({"insured": None}, "insured", "true or false"),
        ({"handed_in": "yesterday"}, "handed_in", "a time"),
        ({"handed_in": 1_700_000_000}, "handed_in", "a time"),
        ({"colour": "red"}, "colour", "one of the fields handed_in"),
        ({"late": True}, "late", "one of the fields handed_in"),
    ],
)
def test_value_that_is_not_spelled_as_in_files_is_refused_with_its_field(predictor, changed, field, words):
    first, second = predictor.predict([{**ROW, **changed}, ROW], first=10)

    assert (first["refused"]["row"], first["refused"]["field"]) == (10, field)
    assert words in first["refused"]["allowed"]
    assert second["label"] in (True, False)


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ({"weight": " 12.0 "}, {"weight": 12}),
        ({"weight": " "}, {"weight": None}),
        ({"size": "NA"}, {"size": None}),
        ({"stops": "3.0"}, {"stops": 3}),
        ({"insured": "TRUE"}, {"insured": True}),
        ({"handed_in": "2024-3-1"}, {"handed_in": "2024-03-01T00:00:00"}),
        ({"handed_in": "20240301T120000Z"}, {"handed_in": "2024-03-01T12:00:00Z"}),
        ({"handed_in": "2024/03/01 12:00 UTC"}, {"handed_in": "2024-03-01T12:00:00Z"}),
    ],
)
def test_what_a_file_spells_has_the_answer_of_the_value(predictor, spelled, plain):
    first, second = predictor.predict([{**ROW, **spelled}, {**ROW, **plain}])

    assert first["probability"] == second["probability"]


def test_field_that_is_not_there_is_refused_and_a_key_may_be_sent_or_not(predictor):
    without = {name: value for name, value in ROW.items() if name != "weight"}

    refused, plain, keyed = predictor.predict([without, ROW, {**ROW, "parcel": 17}])

    assert refused["refused"]["field"] == "weight"
    assert "not there" in refused["refused"]["allowed"]
    assert plain["probability"] == keyed["probability"]
    columns, found = predictor.log.find(keyed["prediction_id"])
    assert [key.name for key in columns.keys][list(found.keys).index(17)] == "parcel"


def test_order_of_fields_does_not_matter_and_a_row_alone_is_answered_as_among_others(predictor):
    rows = released.requests(50)
    together = [each["probability"] for each in predictor.predict(rows)]

    alone = [predictor.predict([dict(reversed(row.items()))])[0]["probability"] for row in rows]

    assert max(abs(one - other) for one, other in zip(alone, together, strict=True)) <= 1e-9


def test_reason_says_the_probability_and_the_threshold(predictor):
    for answer in predictor.predict(released.requests(20)):
        above = answer["probability"] >= 0.5
        assert answer["decision"] == ("positive" if above else "negative")
        assert answer["reason"] == f"probability {answer['probability']:.6g} {'≥' if above else '<'} threshold 0.5"


def test_no_answer_is_given_that_is_not_logged(predictor):
    predictor.close()
    with pytest.raises(ResourceError, match="LOG00"):
        predictor.predict([ROW])


def test_model_that_answers_its_golden_rows_otherwise_is_not_used(made, tmp_path):
    copy = shutil.copytree(made.bundle.path, tmp_path / "edge")
    path = copy / "model" / "compiled" / "golden.json"
    content = path.read_text()
    begin = content.index('"estimates":[') + len('"estimates":[')
    path.write_text(content[:begin] + "0.123456," + content[begin:].partition(",")[2])

    with pytest.raises(IntegrityError, match="CMP002"):
        Predictor.load(copy, tmp_path / "log")


EURO = NumberForm(decimal=",", thousands=".", before="", after="€", parentheses=False)
DAY = PlanColumn("day", "timestamp", nullable=True, spelling="%d/%m/%Y")
CLOCK = PlanColumn("clock", "text", nullable=True)
SPELLED = (
    PlanColumn("price", "number", nullable=True, spelling=EURO),
    PlanColumn("at", "timestamp", nullable=False, refuses=("DQ003",), parts=(DAY, CLOCK)),
)


@pytest.fixture
def spelled(tmp_path):
    """A predictor of a regression that says the seconds of its time, without a model behind it."""
    plan = SimpleNamespace(categories=(), zone="UTC", time=1)
    scorer = SimpleNamespace(
        columns=SPELLED,
        plan=plan,
        task="regression",
        encode_rows=lambda rows: rows,
        estimate=lambda rows: np.array([row[1] / 1e6 + (row[0] or 0) for row in rows]),
    )
    features = tuple(LoggedColumn(name=each.name, type=each.type, role="feature") for each in SPELLED)
    keys = tuple(LoggedColumn(name=each.name, type=each.type, role="ignore") for each in (DAY, CLOCK))
    columns = Columns(contract="c", task="regression", features=features, keys=keys, key=(), target="y", classes=())
    about = About("m", 1, "0" * 64, 0.5, columns, ("", "NA"))
    loaded = Predictor(scorer, about, PredictionLog(tmp_path))
    yield loaded
    loaded.close()


def test_parts_of_a_time_and_spelled_numbers_are_read_at_the_edge(spelled):
    row = {"price": "1.234,5 €", "day": "02/01/1970", "clock": "00.00.10"}
    text = 'price,day,clock\n"1.000 €",02/01/1970,1:00 AM\nNA,02/01/1970,x\n'
    cells = list(csv_rows(io.StringIO(text, newline=""), spelled))

    told, sent, lacking, read, refused = spelled.predict(
        [row, {"price": 0.5, "at": "1970-01-01T00:00:01Z"}, {"price": None, "day": "02/01/1970"}, *cells]
    )

    assert (told["value"], sent["value"]) == (86_410 + 1234.5, 1.5)
    assert read["value"] == 86_400 + 3_600 + 1000
    assert [each["refused"]["field"] for each in (lacking, refused)] == ["at", "at"]
    assert "told by day, clock" in refused["refused"]["allowed"]
