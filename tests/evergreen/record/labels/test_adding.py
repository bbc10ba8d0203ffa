"""Files of labels on their way into the log: whole, once, and what cannot be taken set aside."""

import gzip
import subprocess
import sys

import logged
import pandas as pd
import pytest

from evergreen.base.errors import ConfigError, DataError
from evergreen.record.labels import adding
from evergreen.record.labels.beside import with_feedback
from evergreen.record.predictions import forgetting, reading, rolling
from evergreen.record.predictions.log import PredictionLog


@pytest.fixture
def folder(tmp_path):
    """A log that holds three predictions, of person-1 to person-3."""
    log = PredictionLog(tmp_path / "predictions")
    logged.append(log, [1, 2, 3])
    log.close()
    return log.folder


def ids(folder):
    return reading.read(folder)["prediction_id"].to_pylist()


def add(folder, source):
    home = folder.parent
    return adding.add(folder, source, contract=logged.CONTRACT, refused=home / "labels", key=home / "pii.key")


def written(folder, text, name="labels.csv"):
    path = folder.parent / name
    path.write_text(text)
    return path


def labels(folder):
    return [row["feedback_label"] for batch in with_feedback(folder) for row in batch.to_pylist()]


def kept(folder):
    return reading.read(folder, "feedback").num_rows


def test_labels_by_id_and_by_personal_key_stand_beside_their_predictions(folder):
    first = ids(folder)[0]
    source = written(folder, f"prediction_id,person,day,back\n{first},,,true\n,person-2,2,false\n{'f' * 32},,,true\n")
    added = add(folder, source)
    assert (added.rows, added.taken, added.known, added.refused, added.unknown_ids) == (3, 3, 0, 0, 1)
    assert added.refused_file is None
    assert labels(folder) == [True, False, None]
    assert b"person-2" not in logged.bytes_below(folder)
    assert rolling.roll(folder).predictions == 3
    assert labels(folder) == [True, False, None]


def test_same_file_again_brings_nothing_and_a_longer_one_what_is_new(folder):
    a, b, _ = ids(folder)
    source = written(folder, f"prediction_id,back\n{a},true\n{a},true\n")
    assert add(folder, source).taken == 2
    again = add(folder, source)
    assert (again.taken, again.known, kept(folder)) == (0, 2, 2)
    renamed = written(folder, source.read_text(), "others.csv")
    assert (add(folder, renamed).known, kept(folder)) == (2, 2)
    assert add(folder, written(folder, f"prediction_id,back\n{a},true\n{a},true\n{b},false\n")).taken == 3
    assert labels(folder) == [True, False, None]


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.jsonl", "labels.parquet", "labels.csv.gz"])
def test_every_format_says_the_same(folder, name):
    frame = pd.DataFrame({"prediction_id": ids(folder), "back": [True, False, None], "other": [1, 2, 3]})
    path = folder.parent / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    elif name.endswith("jsonl"):
        frame.to_json(path, orient="records", lines=True)
    else:
        text = frame.to_csv(index=False, sep="\t" if name.endswith("tsv") else ",")
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    added = add(folder, path)
    assert (added.taken, added.unlabelled, added.refused) == (2, 1, 0)
    assert labels(folder) == [True, False, None]


def test_rows_that_cannot_be_taken_are_named_and_set_aside_all_of_them(folder):
    a = ids(folder)[0]
    bad = "".join(f"{a},perhaps-{row}\n" for row in range(9))
    added = add(folder, written(folder, f"prediction_id,back\n{a},true\n{bad}{a},true,surplus\nxyz,false\n"))
    assert (added.rows, added.taken, added.refused) == (12, 1, 11)
    assert [(row.row, row.column, row.codes) for row in added.first] == [(n, "back", "DQ002") for n in range(2, 7)]
    assert added.first[0].why == "back: perhaps-0 is not of type boolean"
    aside = pd.read_csv(added.refused_file)
    assert aside["row"].tolist() == list(range(2, 13))
    assert aside["codes"].tolist() == ["DQ002"] * 9 + ["DQ013", "DQ011"]
    assert add(folder, folder.parent / "labels.csv").refused == 11


def test_file_of_which_nothing_can_be_taken_leaves_no_feedback(folder):
    added = add(folder, written(folder, "prediction_id,back\nxyz,true\n"))
    assert (added.taken, added.refused, kept(folder)) == (0, 1, 0)
    assert not list(folder.glob("feedback/*/*"))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("labels.csv", b"", "DQ007"),
        ("labels.csv", b"prediction_id,back\n", "DQ007"),
        ("labels.csv", b"prediction_id,person\nx,y\n", "DQ001"),
        ("labels.csv", b"back\ntrue\n", "DQ001"),
        ("labels.parquet", b"PAR1 and then it was torn", "DQ002"),
        ("labels.csv.gz", gzip.compress(b"prediction_id,back\n" * 999, mtime=0)[:40], "DQ002"),
    ],
)
def test_file_that_cannot_be_read_brings_nothing(folder, name, content, code):
    path = folder.parent / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=code):
        add(folder, path)
    assert kept(folder) == 0
    assert not [path for path in folder.parent.rglob("*") if path.name.endswith(".unfinished")]


def test_file_that_is_not_there_or_of_no_known_kind_is_refused(folder):
    with pytest.raises(DataError):
        add(folder, folder.parent / "nothing.csv")
    with pytest.raises(ConfigError, match="CFG028"):
        add(folder, written(folder, "prediction_id,back\n", "labels.docx"))


def test_file_that_changes_while_it_is_read_brings_nothing(folder, monkeypatch):
    source = written(folder, f"prediction_id,back\n{ids(folder)[0]},true\n")
    read = adding.rows.read

    def reading_while_it_grows(*given):
        found = read(*given)
        source.write_text(source.read_text() + f"{ids(folder)[1]},true\n")
        return found

    monkeypatch.setattr(adding.rows, "read", reading_while_it_grows)
    with pytest.raises(DataError, match="DQ028"):
        add(folder, source)
    assert kept(folder) == 0


ADD = """
import sys; sys.path.insert(0, "tests/support")
from pathlib import Path
import logged
from evergreen.base import failpoints
from evergreen.record.labels import adding
failpoints.arm(sys.argv[2])
folder = Path(sys.argv[1])
adding.add(folder, folder.parent / "labels.csv", contract=logged.CONTRACT, refused=folder.parent / "labels",
           key=folder.parent / "pii.key")
"""


@pytest.mark.parametrize(("point", "survives"), [("labels.written", 0), ("labels.published", 2)])
def test_kill_loses_and_doubles_nothing(folder, point, survives):
    a, b, _ = ids(folder)
    source = written(folder, f"prediction_id,back\n{a},true\n{b},false\nxyz,true\n")
    killed = subprocess.run([sys.executable, "-c", ADD, str(folder), point], check=False)
    assert killed.returncode == -9
    assert kept(folder) == survives
    added = add(folder, source)
    assert (added.taken + added.known, added.taken, kept(folder)) == (2, 2 - survives, 2)
    assert labels(folder) == [True, False, None]
    assert not [path for path in folder.parent.rglob("*") if path.name.endswith(".unfinished")]


def test_subject_is_taken_out_of_labels_too(folder):
    source = written(folder, "person,day,back\nperson-1,1,true\nperson-2,2,true\n")
    add(folder, source)
    forgetting.forget(folder, {"person": "person-1"}, pii_key=folder.parent / "pii.key")
    assert kept(folder) == 1
    assert labels(folder) == [True, None]
