"""One training: a recorded one is answered at once, another one in an engine, and none that may not be."""

import json
import shutil
from contextlib import contextmanager

import pytest
import typer
from direct import Direct
from projects import Small

from cli import plans, training
from evergreen.base.errors import ConfigError
from evergreen.project import Project
from flows import training as flow
from tasks import mirror


@pytest.fixture
def events(monkeypatch):
    """What happens, in order."""
    found = []

    @contextmanager
    def noting(name):
        found.append(name)
        yield
        found.append(f"end of {name}")

    monkeypatch.setattr(training.unfinished, "noted", lambda project, *, reason: noting("note"))
    monkeypatch.setattr(training, "engine", lambda settings: noting("engine"))
    monkeypatch.setattr(flow, "run_training", lambda project, *, reason, new_lineage: found.append(reason) or "trained")
    monkeypatch.setattr(plans, "recorded_outcome", lambda project: None)
    return found


@pytest.mark.parametrize(("reason", "kept"), [(None, "requested"), ("because", "because")])
def test_training_runs_in_an_engine_inside_its_note(fresh, events, reason, kept):
    assert training.train(fresh, reason=reason) == "trained"
    assert events == ["note", "engine", kept, "end of engine", "end of note"]


def test_recorded_training_needs_no_engine(fresh, events, monkeypatch):
    monkeypatch.setattr(plans, "recorded_outcome", lambda project: "recorded")
    assert training.train(fresh, reason=None) == "recorded"
    assert events == ["note", "end of note"]


@pytest.mark.parametrize(
    ("shown", "puts_back"),
    [({"champion": 1}, []), ({"champion": 2}, ["visits"]), ({}, ["visits"]), (None, [])],
    ids=["as the ledger", "moved", "gone", "not looked at"],
)
def test_recorded_training_puts_back_an_alias_that_was_moved(shown, puts_back, visited, events, monkeypatch):
    asked = []
    monkeypatch.setattr(plans, "recorded_outcome", lambda project: "recorded")
    monkeypatch.setattr(training.packaging, "restore", lambda *_: None)
    monkeypatch.setattr(training.registry_aliases, "look", lambda *_: shown)
    monkeypatch.setattr(mirror, "follow", lambda ledger, name, *, settings: asked.append(name))
    monkeypatch.setattr(training.os, "environ", {})
    assert training.train(visited, reason=None) == "recorded"
    assert asked == puts_back


@pytest.mark.parametrize("damage", ["edited", "gone"])
def test_unchanged_run_builds_a_package_again_that_nothing_is_served_or_scored_with(damage, trained_project: Small):
    (package,) = (trained_project.home / "bentoml" / "bentos" / "flights").glob("v1-*")
    release, was = package / "src" / "release.json", (package / "package.json").read_bytes()
    if damage == "edited":
        release.write_bytes(release.read_bytes().replace(b'"version":1', b'"version":9'))
        (trained_project.root / "rows.csv").write_text("origin\nEWR\n")
        for refused in (["serve"], ["score", "rows.csv", "out.csv"]):
            assert "release.json" in trained_project.refused(*refused, code=7)
    else:
        shutil.rmtree(package)
    assert trained_project.json("run")["version"] == 1
    assert json.loads(release.read_bytes())["version"] == 1
    assert (package / "package.json").read_bytes() == was


def test_training_that_may_not_be_is_refused_before_the_engine_starts(fresh, events, monkeypatch):
    def refused(self):
        raise ConfigError("REG001", "changes are not committed")

    monkeypatch.setattr(type(fresh), "may_train", refused)
    with pytest.raises(ConfigError):
        training.train(fresh, reason=None)
    assert events == ["note"]


@pytest.mark.parametrize(
    ("overrides", "verdict", "code"),
    [
        ([], "promoted", None),
        (["approval.required=[first]"], "proposed", None),
        (["gate.floor=0.999"], "refused", 4),
    ],
)
def test_refusal_alone_ends_with_4_and_a_proposal_says_until_when(overrides, verdict, code, fresh, capsys):
    outcome = flow.train_and_judge(Project.open(overrides=overrides), reason="why", do=Direct())
    assert outcome.verdict == verdict
    if code is None:
        training.tell(outcome, True)
    else:
        with pytest.raises(typer.Exit) as caught:
            training.tell(outcome, True)
        assert caught.value.exit_code == code
    assert json.loads(capsys.readouterr().out)["waits_until"] == outcome.model_dump(mode="json")["waits_until"]
    assert (outcome.waits_until is not None) == (verdict == "proposed")
