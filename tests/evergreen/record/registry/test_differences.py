"""How versions differ: with their proofs, without them, and as the gate measured one against the other."""

from types import SimpleNamespace

import pytest
import remembered
from remembered import digest, judgement

from evergreen.decisions.gate.check import Check
from evergreen.learning.evaluation import Report
from evergreen.record.registry.differences import Known, changed, compare, flat

AGAINST = Check(
    name="champion",
    code="GT004",
    outcome="passed",
    text="roc_auc +0.0120 [-0.0040, +0.0280] against version 1: better, or equal within 0.005",
    evidence={"metric": "roc_auc", "gain": 0.012, "se": 0.008, "n": 14},
)


def facts(version, **changed_in_judged):
    return remembered.facts(version, judged=judgement(version, **changed_in_judged))


def proof(visited, *, intervals, rows, columns=None, **changed):
    """Return the part of a proof that a difference looks at."""
    report = Report(
        family="f",
        baseline_family="prior",
        candidate={},
        baseline={},
        train={},
        n_train=0,
        n_test=0,
        intervals=intervals,
    )
    candidate = SimpleNamespace(raw=SimpleNamespace(rows=100), test=SimpleNamespace(rows=40))
    candidate.taking = lambda taken: SimpleNamespace(report=report)
    given = {
        "candidate": candidate,
        "taken": "model",
        "params": visited.params,
        "contract": visited.contract if columns is None else SimpleNamespace(columns=columns),
        "commit": SimpleNamespace(sha="a" * 40),
        "digests": {"lock_digest": "l"},
        "python": "3.11.1",
        "packages": {"numpy": "2.0", "skops": "1.0"},
        "compared": SimpleNamespace(rows=rows),
    }
    return SimpleNamespace(**{**given, **changed})


def test_difference_names_what_changed_in_parameters_data_code_and_metrics(fresh):
    before = proof(fresh, intervals={"roc_auc": (0.7, 0.9)}, rows="r")
    tuned = fresh.params.model_copy(update={"seed": 8, "tune": fresh.params.tune.model_copy(update={"trials": 5})})
    columns = [
        SimpleNamespace(name=column.name, type="integer" if column.name == "pages" else column.type)
        for column in fresh.contract.columns
        if column.name != "minutes"
    ]
    after = proof(
        fresh,
        intervals={"roc_auc": (0.75, 0.95)},
        rows="r",
        columns=[*columns, SimpleNamespace(name="source", type="category")],
        params=tuned,
        packages={"numpy": "2.1", "onnx": "1.0"},
    )
    found = compare(
        Known(facts(1, metrics={"roc_auc": 0.8, "brier": 0.2}), before),
        Known(facts(2, metrics={"roc_auc": 0.85, "ece": 0.1}, checks=(AGAINST,)), after),
        predecessors={1: None, 2: 1},
    )
    assert found.params == {"seed": (7, 8), "tune.trials": (1, 5)}
    assert found.data.digest == (digest("data 1"), digest("data 2"))
    assert (found.data.rows, found.data.gate_rows, found.data.train_rows) == ((100, 100), (40, 40), (100, 100))
    assert (found.data.columns.added, found.data.columns.removed) == (("source",), ("minutes",))
    assert found.data.columns.retyped == {"pages": ("number", "integer")}
    assert found.code.packages == {"numpy": ("2.0", "2.1"), "onnx": (None, "1.0"), "skops": ("1.0", None)}
    auc = found.metrics["roc_auc"]
    assert (auc.values, auc.intervals) == ((0.8, 0.85), ((0.7, 0.9), (0.75, 0.95)))
    assert auc.difference == pytest.approx(0.05)
    assert (found.metrics["brier"].values, found.metrics["brier"].difference) == ((0.2, None), None)
    assert found.notes == ()
    paired = {name: found.paired[name] for name in ("version", "against", "gain", "low", "high", "outcome")}
    assert paired == {"version": 2, "against": 1, "gain": 0.012, "low": -0.004, "high": 0.028, "outcome": "passed"}


def test_other_gate_rows_are_said_and_nothing_is_paired_of_versions_that_never_met(fresh):
    both = [
        Known(facts(version, checks=(AGAINST,)), proof(fresh, intervals={}, rows=f"r{version}")) for version in (1, 3)
    ]
    found = compare(*both, predecessors={1: None, 3: 2})
    assert found.paired is None
    assert found.notes == ("they were measured on different gate rows: a difference of metrics may be the rows' alone",)


def test_later_version_is_paired_whichever_is_named_first(fresh):
    both = [Known(facts(version, checks=(AGAINST,)), None) for version in (2, 1)]
    found = compare(*both, predecessors={1: None, 2: 1})
    assert (found.paired["version"], found.paired["against"]) == (2, 1)


def test_version_without_a_proof_is_compared_by_what_the_ledger_has(fresh):
    found = compare(
        Known(facts(1), None),
        Known(facts(2), proof(fresh, intervals={"roc_auc": (0.7, 0.9)}, rows="r")),
        predecessors={},
    )
    assert (found.params, found.data.columns, found.code.packages) == (None, None, None)
    assert (found.data.rows, found.code.commit) == ((None, 100), (None, "a" * 40))
    assert found.metrics["roc_auc"].intervals == (None, (0.7, 0.9))
    assert found.metrics["roc_auc"].difference == 0
    assert [note.partition(",")[0] for note in found.notes] == [
        "version 1 has no proof",
        "whether both were measured on the same gate rows is not known",
    ]


def test_version_differs_from_itself_in_nothing(fresh):
    known = Known(facts(1), proof(fresh, intervals={}, rows="r"))
    found = compare(known, known, predecessors={1: None})
    assert (found.params, found.notes, found.paired) == ({}, (), None)
    assert {metric.difference for metric in found.metrics.values()} == {0}


def test_nested_values_are_flat_by_dotted_name_and_only_others_differ():
    assert flat({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "a.c": {}, "d": [1]}
    assert changed({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": (1, None), "b": (2, 3), "c": (None, 4)}
