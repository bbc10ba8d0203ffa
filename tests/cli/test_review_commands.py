"""The commands of `evergreen review`, on the log of a project whose model refers rows to people."""

import json

import logged
import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.review_commands import app
from evergreen.record.labels.beside import with_feedback
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged, columns_of


class Ran:
    def __init__(self, result) -> None:
        self.code, self.error, self.out = result.exit_code, result.exception, result.stdout

    @property
    def told(self) -> dict:
        return json.loads(self.out)


@pytest.fixture
def run(fresh):
    def run(*arguments, as_json=True) -> Ran:
        return Ran(CliRunner().invoke(app, [*map(str, arguments), *(["--json"] if as_json else [])]))

    return run


@pytest.fixture
def names(fresh):
    """Ids of four visits: two that people are helped with, one of an audit, and one that the model answered."""
    log, columns = PredictionLog(fresh.settings.predictions), columns_of(fresh.contract)
    names = log.new_ids(4)
    how = [("referred", "assist"), ("referred", "assist"), ("referred", "audit:0.1"), ("positive", "threshold")]
    log.append(
        columns,
        [
            Logged(
                *(name, logged.NOON + row, "visits", 1, "ab" * 32, [logged.NOON + row, 1.5, 2.5], [row]),
                event_us=logged.NOON + row,
                label=True,
                probability=0.7 - row / 10,
                decision=decision,
                rule=rule,
            )
            for row, (name, (decision, rule)) in enumerate(zip(names, how, strict=True))
        ],
    )
    log.close()
    return names


def returned(fresh):
    rows = [row for batch in with_feedback(fresh.settings.predictions) for row in batch.to_pylist()]
    return [(row["feedback_label"], row["feedback_decision"]) for row in rows]


def test_rows_are_listed_taken_in_hand_and_answered(run, fresh, names):
    listed = run("list").told
    assert (listed["waiting"], listed["referred"]) == (3, 3)
    assert [row["prediction_id"] for row in listed["rows"]] == names[:3]

    first, second = run("next", "--by", "ann").told, run("next", "--by", "ben").told
    assert (first["row"]["prediction_id"], second["row"]["prediction_id"]) == (names[0], names[1])
    assert first["row"]["said"] == {"label": True, "probability": 0.7}
    assert [row["in_hand"] for row in run("list").told["rows"]] == ["ann", "ben", None]
    assert run("next", "--by", "ann", "--skip", names[0]).told["row"]["said"] is None

    assert run("answer", names[0], "--label", "true", "--by", "ann").told["taken"] == 1
    assert run("answer", names[1], "--decision", "call", "--by", "ben").told["taken"] == 1
    assert returned(fresh) == [(True, None), (None, "call"), (None, None), (None, None)]
    assert run("list").told["waiting"] == 1


def test_nobody_answers_over_another_without_being_told(run, fresh, names):
    run("next", "--by", "ann")
    held = run("answer", names[0], "--label", "false", "--by", "ben")
    assert (held.error.code, held.error.exit_code) == ("RACE009", 6)
    assert "ann has it in hand" in held.error.what
    run("answer", names[0], "--label", "true", "--by", "ann")
    assert "ann answered it" in run("answer", names[0], "--label", "false", "--by", "ben").error.what
    assert returned(fresh)[0] == (True, None)
    assert run("answer", names[0], "--label", "false", "--by", "ben", "--anyway").code == 0
    assert returned(fresh)[0] == (False, None)


def test_file_goes_out_is_filled_in_and_comes_back(run, fresh, names, tmp_path):
    path = tmp_path / "queue.csv"
    assert run("list", "--csv", path).told["written"] == 3
    assert run("list", "--csv", path).error.code == "LOG012"
    assert run("list", "--csv", tmp_path / "queue.docx").error.code == "CFG016"
    table = pd.read_csv(path, dtype=str)
    target = fresh.contract.target
    table[target], table["decision"] = ["true", None, "perhaps"], [None, "call", None]
    table.to_csv(path, index=False)
    assert run("answer", "--file", path).told["refused"] == 3  # nobody is named
    told = run("answer", "--file", path, "--by", "ann")
    counts = {name: told.told[name] for name in ("taken", "known", "unanswered", "held", "refused")}
    assert (told.code, counts) == (0, {"taken": 2, "known": 0, "unanswered": 0, "held": 0, "refused": 1})
    assert "perhaps" in told.told["first_refused"][0]
    assert run("answer", "--file", path, "--by", "ann").told["known"] == 2
    table.assign(**{target: ["false", None, None], "decision": None}).to_csv(path, index=False)
    told = run("answer", "--file", path, "--by", "ben")
    assert (told.code, told.told["held"], told.told["taken"]) == (6, 1, 0)
    assert "ann answered it" in told.told["first_held"][0]["why"]
    assert returned(fresh)[:2] == [(True, None), (None, "call")]


def test_row_that_a_file_of_labels_answered_meanwhile_is_told(run, fresh, names, tmp_path):
    from flows import upkeep

    path = tmp_path / "labels.csv"
    path.write_text(f"prediction_id,{fresh.contract.target}\n{names[0]},true\n")
    upkeep.add_labels(fresh, path)
    assert run("list").told["waiting"] == 2
    assert "somebody answered it" in run("answer", names[0], "--label", "false", "--by", "ann").error.what


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("answer",), "LOG018"),
        (("answer", "ID", "--file", "queue.csv"), "LOG018"),
        (("answer", "ID", "--label", "true"), "LOG018"),
        (("answer", "ID", "--by", "ann"), "LOG005"),
        (("answer", "ID", "--label", "perhaps", "--by", "ann"), "LOG005"),
        (("answer", "OTHER", "--label", "true", "--by", "ann"), "LOG017"),
        (("answer", "0" * 32, "--label", "true", "--by", "ann"), "LOG017"),
        (("next", "--by", " "), "LOG018"),
        (("list", "--since", "monday"), "CFG015"),
    ],
)
def test_bad_input_is_one_clear_block(run, names, arguments, code):
    ids = {"ID": names[0], "OTHER": names[3]}
    assert run(*(ids.get(each, each) for each in arguments)).error.code == code


def test_file_of_unknown_rows_alone_ends_with_three(run, names, tmp_path, fresh):
    path = tmp_path / "answers.csv"
    path.write_text(f"prediction_id,{fresh.contract.target}\n{'0' * 32},true\n")
    told = run("answer", "--file", path, "--by", "ann")
    assert (told.code, told.told["refused"]) == (3, 1)
    assert "0" * 32 in told.told["first_refused"][0]


def test_people_are_told_what_waits_and_how_to_answer(run, names):
    assert run("list", as_json=False).out.startswith(
        "3 of 3 referred rows wait for an answer, the oldest since 2024-05"
    )
    shown = run("next", "--by", "ann", as_json=False).out
    assert "the model says: label True, probability 0.7" in shown
    assert f"evergreen review answer {names[0]} --label VALUE --by NAME" in shown
    assert run("answer", names[0], "--label", "true", "--by", "ann", as_json=False).out == f"Kept: {names[0]}\n"
    again = run("answer", names[0], "--label", "true", "--by", "ann", as_json=False)
    assert again.out == f"It was kept before: {names[0]}\n"
