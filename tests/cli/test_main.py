"""`evergreen run`, `plan` and `status`, as a user runs them."""

import json

import pytest
from projects import Small

KEYS = {
    "model", "version", "model_digest", "data_digest", "code_digest", "params_digest", "verdict", "metrics",
    "promoted_at", "reason",
}  # fmt: skip
STEPS = ["ingest", "validate", "features", "tune", "train", "evaluate"]


def test_run_promotes_a_first_candidate_and_status_repeats_it(trained_project: Small) -> None:
    status = trained_project.json("status")
    assert status.keys() >= KEYS
    assert (status["version"], status["verdict"]) == (1, "promoted")
    assert 0.6 < status["metrics"]["roc_auc"] < 0.8
    assert all(len(status[f"{kind}_digest"]) == 64 for kind in ("model", "data", "code", "params"))


def test_run_again_with_nothing_changed_finds_every_step_recorded(trained_project: Small) -> None:
    before = trained_project.json("status")
    again = trained_project.json("run")
    assert all(step["cached"] for step in again["steps"])
    assert [step["name"] for step in again["steps"]][:6] == STEPS
    assert {key: again[key] for key in KEYS} == {key: before[key] for key in KEYS}


def test_first_run_prints_the_same_keys_as_status_and_its_steps(trained_project: Small) -> None:
    outcome = json.loads((trained_project.root / "outcome.json").read_text())
    status = trained_project.json("status")
    assert {key: outcome[key] for key in KEYS} == {key: status[key] for key in KEYS}
    assert outcome.keys() >= KEYS | {"steps"}
    assert [step["name"] for step in outcome["steps"]][:6] == STEPS
    assert not any(step["cached"] for step in outcome["steps"])
    assert all(step["seconds"] > 0 for step in outcome["steps"][:6])


def test_changing_one_parameter_runs_that_step_and_those_after_it(trained_project: Small) -> None:
    planned = trained_project.json("plan", "--set", "tune.trials=2")["steps"]
    assert {step["name"]: step["cached"] for step in planned[:6]} == {
        "ingest": True, "validate": True, "features": True, "tune": False, "train": False, "evaluate": False,
    }  # fmt: skip
    assert planned[3]["identity"]
    assert planned[4]["identity"] is None


def test_refused_candidate_exits_with_4_and_leaves_the_champion(trained_project: Small) -> None:
    before = trained_project.json("status")
    outcome = trained_project.json("run", "--set", "gate.floor=0.99", code=4)
    assert (outcome["verdict"], outcome["version"], outcome["promoted_at"]) == ("refused", None, None)
    assert "floor of 0.99" in outcome["reason"]
    assert trained_project.json("status") == before
    assert trained_project.json("run", "--set", "gate.floor=0.99", code=4)["reason"] == outcome["reason"]


def test_another_seed_is_an_idea_that_has_to_be_shown_to_be_better_and_spends_of_the_campaign(
    trained_project: Small,
) -> None:
    before = trained_project.json("status")["campaign"]
    done = trained_project.run("run", "--set", "seed=8", "--json")
    assert done.returncode in (0, 4), done.stderr
    outcome = json.loads(done.stdout)
    champion = {check["name"]: check for check in outcome["checks"]}["champion"]
    assert outcome["rule"] == "superiority"
    assert "against version 1" in champion["text"]
    assert champion["code"] == "GT004"
    assert outcome["candidates"][0]["asked"] == 1
    after = trained_project.json("status")["campaign"]
    assert (before["asked"], after["asked"]) == (0, 1)
    assert after["left"] < before["left"]


def test_run_explains_every_candidate_to_a_person_and_names_it_in_json(trained_project: Small) -> None:
    outcome = trained_project.json("run")
    assert outcome["gate"] == "PASS"
    first = outcome["candidates"][0]
    assert (first["asked"], first["verdict"]) == (1, "PASS")
    assert [check["code"] for check in first["checks"]] == [f"GT{number:03}" for number in range(1, 13)]
    assert outcome["sees"] is None  # there was no champion to be told from
    shown = trained_project.run("run", "--explain").stdout
    assert f"1. {first['family']}: PASS" in shown
    assert all(check["code"] in shown for check in first["checks"])


def test_new_lineage_needs_to_be_said_and_a_reason(trained_project: Small) -> None:
    assert "CFG055" in trained_project.refused("promote", "--reason", "why", code=2)
    assert "--reason" in trained_project.refused("promote", "--new-lineage", code=2)


def test_person_begins_a_new_lineage(trained_project: Small) -> None:
    outcome = trained_project.json("promote", "--new-lineage", "--reason", "delays count from 30 minutes on")
    assert (outcome["rule"], outcome["verdict"], outcome["version"]) == ("first", "promoted", 2)
    assert outcome["reason"].startswith("delays count from 30 minutes on: ")
    assert trained_project.json("status")["version"] == 2


def test_misspelt_parameter_fails_before_the_first_step_with_its_line(small_project: Small) -> None:
    path = small_project.root / "params.yaml"
    path.write_text(path.read_text().replace("folds:", "fold:"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), start=1) if "fold:" in text)
    block = small_project.refused("run", code=2)
    assert f"params.yaml:{line}" in block
    assert "Did you mean 'folds'?" in block
    assert not (small_project.home / "workspace").exists() or not list((small_project.home / "workspace").iterdir())


def test_unknown_option_is_a_usage_error(small_project: Small) -> None:
    assert "--bogus" in small_project.refused("run", "--bogus", code=2)


def test_unknown_environment_names_the_known_ones(small_project: Small) -> None:
    assert "local" in small_project.refused("status", "--env", "mars", code=2)


def test_status_without_a_champion_says_how_to_get_one(small_project: Small) -> None:
    assert "evergreen run" in small_project.refused("status", code=2)


def test_help_lists_every_command_and_the_exit_codes(small_project: Small) -> None:
    shown = small_project.run("--help").stdout
    for command in ("run", "promote", "plan", "replay", "up", "serve", "score", "monitor", "retrain", "status"):
        assert f"│ {command} " in shown
    assert "gate refused" in shown


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "--port", "70000"),
        ("serve", "--port", "-1"),
        ("serve", "--port", "65536"),
        ("up", "--prefect-port", "70000"),
        ("up", "--mlflow-port", "0"),
    ],
)
def test_port_that_there_is_none_of_is_a_usage_error(small_project: Small, words: tuple[str, ...]) -> None:
    assert f"Invalid value for '{words[1]}'" in small_project.refused(*words, code=2)
