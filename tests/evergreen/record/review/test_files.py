"""The queue as a file that is filled in and comes back, and an answer as a person types it."""

import json

import logged
import msgspec
import pandas as pd
import pytest

from evergreen.base.errors import DataError
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.review import files, queue

LATER = logged.NOON + 10**9


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


@pytest.fixture
def names(log):
    assist = logged.append(log, [1, 2], decision="referred", rule="assist")
    return [*assist, *logged.append(log, [3], decision="referred", rule="audit:0.05")]


def written(log, target, **how):
    rows = queue.waiting(queue.referred(log.folder, contract="visits"), **how)
    assert files.write(log.folder, target, rows, contract=logged.CONTRACT) == rows.num_rows
    return pd.read_csv(target, dtype=str) if target.suffix == ".csv" else pd.read_parquet(target)


def read(path, by="ann"):
    return files.read(path, contract=logged.CONTRACT, by=by, received_us=LATER)


def test_file_holds_what_a_person_needs_and_what_is_to_be_filled_in(log, names, tmp_path):
    table = written(log, tmp_path / "queue.csv")
    assert table["prediction_id"].tolist() == names
    assert table["model_label"].tolist()[:2] == ["false", "false"]
    assert table["model_probability"].isna().tolist() == [False, False, True]
    assert {"weight", "stops", "_Version", "insured", "person", "day"} <= {*table.columns}
    assert [*table.columns[-3:]] == ["back", "decision", "by"]
    assert table[["back", "decision", "by"]].isna().all().all()
    assert "person-1" not in (tmp_path / "queue.csv").read_text()
    assert written(log, tmp_path / "queue.parquet", order="unsure")["prediction_id"].tolist() == names[::-1]


def test_queue_that_is_empty_gives_a_file_without_rows(log, tmp_path):
    assert [*written(log, tmp_path / "queue.csv").columns] == [*files.SHOWN, "back", "decision", "by"]


def test_filled_file_comes_back_as_answers(log, names, tmp_path):
    path = tmp_path / "queue.csv"
    table = written(log, path)
    table["back"], table["decision"], table["by"] = ["true", None, None], [None, "call", None], [None, "ben", None]
    table.to_csv(path, index=False)
    found = read(path)
    assert [(each.prediction_id, each.kind, each.label, each.decision, each.by) for each in found.said] == [
        (names[0], "label", True, None, "ann"),
        (names[1], "decision", None, "call", "ben"),
    ]
    assert (found.n_unanswered, found.bad) == (1, [])
    assert {each.received_us for each in found.said} == {LATER}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_answers_come_in_other_formats_too(names, tmp_path, kind):
    path = tmp_path / f"answers.{kind}"
    rows = [{"prediction_id": names[0], "back": True, "known_at": "2024-05-02T09:00:00Z"}]
    if kind == "parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    (said,) = read(path).said
    assert (said.label, said.known_us) == (True, 1_714_640_400_000_000)


def test_rows_that_are_no_answers_are_named_with_the_reason(names, tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(f"prediction_id,back\n{names[0]},perhaps\nx,true\n{names[1]},false\n")
    found = read(path)
    assert [(bad.row, bad.why) for bad in found.bad] == [
        (1, "back: perhaps is not of type boolean"),
        (2, f"prediction_id: x is not all of the pattern {files.PREDICTION_ID.pattern}"),
    ]
    assert [each.label for each in found.said] == [False]
    nobody = read(path, by=None)
    assert nobody.said == []
    assert nobody.bad[-1].why == "by: nobody is named who answers"


@pytest.mark.parametrize("header", ["back", "prediction_id,weight"])
def test_file_without_ids_or_answers_is_refused(tmp_path, header):
    path = tmp_path / "answers.csv"
    path.write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    with pytest.raises(DataError, match="DQ001"):
        read(path)


def test_target_that_has_the_name_of_a_column_of_ours_is_meant(tmp_path, names):
    columns = [
        each.model_copy(update={"name": "decision"}) if each.role == "target" else each
        for each in logged.CONTRACT.columns
    ]
    contract = logged.CONTRACT.model_copy(update={"columns": tuple(columns)})
    path = tmp_path / "answers.csv"
    path.write_text(f"prediction_id,decision\n{names[0]},true\n")
    (said,) = files.read(path, contract=contract, by="ann", received_us=LATER).said
    assert (said.kind, said.label, said.decision) == ("label", True, None)
    typed = said_of(names[0], label="true", decision="call", contract=contract)
    assert [(each.kind, each.label, each.decision) for each in typed] == [
        ("label", True, None),
        ("decision", None, "call"),
    ]


def said_of(name, contract=logged.CONTRACT, label=None, decision=None):
    return files.said_of(name, contract=contract, label=label, decision=decision, by="ann", received_us=LATER)


def test_answer_that_is_typed_is_read_as_the_training_data_is(names):
    (said,) = said_of(names[0], label="TRUE")
    assert msgspec.structs.asdict(said)["label"] is True


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({}, "neither a label nor a decision"),
        ({"label": "perhaps"}, "perhaps is not of type boolean"),
        ({"label": ""}, "missing"),
        ({"decision": ""}, "1 to 200 characters"),
        ({"label": "true", "decision": "x" * 201}, "1 to 200 characters"),
    ],
)
def test_answer_that_cannot_be_taken_is_refused_with_the_reason(names, what, why):
    with pytest.raises(DataError, match=why):
        said_of(names[0], **what)
