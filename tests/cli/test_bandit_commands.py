"""The commands of `evergreen bandit`, on the log and the ledger of a project."""

import json

import drawing
import pytest
from typer.testing import CliRunner

from cli.bandit_commands import app
from evergreen.record import traffic
from flows import bandit

pytestmark = pytest.mark.usefixtures("own_environment")

SAID = ("--by", "Ada", "--reason", "three prices")


class Ran:
    def __init__(self, result) -> None:
        self.code, self.error = result.exit_code, result.exception
        self.told = json.loads(result.stdout) if result.stdout.startswith("{") else {}
        self.text = result.stdout


@pytest.fixture
def project(fresh):
    drawing.with_versions(fresh, 2, 3)
    return fresh


@pytest.fixture
def run(project):
    def run(*arguments, as_json=True) -> Ran:
        return Ran(CliRunner().invoke(app, [*map(str, arguments), *(["--json"] if as_json else [])]))

    return run


def test_bandit_is_started_learns_is_reported_and_stopped(run, project):
    begun = run("start", "prices", 2, 3, "--policy", "thompson:0.02", "--unit", "visit", *SAID)
    assert begun.code == 0, begun.error
    assert [(arm["arm"], arm["version"]) for arm in begun.told["arms"]] == list(drawing.ARMS.items())
    assert (begun.told["state"], begun.told["rule"], begun.told["unit"]) == ("running", "bandit-prices.1", ["visit"])
    assert [arm["best"] for arm in begun.told["arms"]] == pytest.approx([1 / 3] * 3)

    answered = drawing.answer(project, 600)
    labels = drawing.chance(1, answered, {"champion": 0.2, "B": 0.6, "C": 0.2})
    drawing.say(project, labels)
    bandit.learn(project)
    told = {arm["arm"]: arm for arm in run("report").told["arms"]}
    of_b = [labels[name] for name, arm in answered if arm == "B"]
    assert (told["B"]["rows"], told["B"]["rewards"], told["B"]["mean"]) == (
        len(of_b), len(of_b), pytest.approx(sum(of_b) / len(of_b)),
    )  # fmt: skip
    assert told["B"]["share"] == pytest.approx(0.96, abs=0.001)
    assert told["B"]["alone"]["low"] < 0.6 < told["B"]["alone"]["high"]
    shown = run("report", "prices", as_json=False).text
    assert "Bandit prices, running" in shown
    assert "96.0%" in shown

    ended = run("stop", "prices", "--by", "Bob", "--reason", "B it is")
    assert (ended.told["state"], ended.told["why"]) == ("ended", "stopped by Bob: B it is")
    assert traffic.standing(project.ledger(), "visits") is None
    assert run("report", "prices").told["arms"] == ended.told["arms"]


def test_other_policies_are_evaluated(run, project):
    run("start", "prices", 2, 3, "--policy", "epsilon:0.5", *SAID)
    answered = drawing.answer(project, 900)
    drawing.say(project, drawing.chance(1, answered, {"champion": 0.2, "B": 0.6, "C": 0.2}))
    found = run("evaluate", "prices", "--policy", "always:B", "--policy", "uniform", "--policy", "thompson")
    b, uniform = (found.told["policies"][name] for name in ("always:B", "uniform"))
    assert found.told["of"] == "bandit-prices"
    assert b["doubly_robust"]["low"] < 0.6 < b["doubly_robust"]["high"]
    assert uniform["gain"]["low"] < 0 < uniform["gain"]["high"]  # it is what drew, before the first change
    shown = run("evaluate", "prices", "--policy", "always:B", as_json=False).text
    assert "always:B: 900 rows with a reward" in shown


def test_file_of_rewards_is_brought_in_and_one_without_any_ends_with_3(run, project, tmp_path):
    run("start", "prices", 2, "--reward", "file", *SAID)
    answered, path = drawing.answer(project, 3), tmp_path / "sales.csv"
    path.write_text(f"prediction_id,reward\n{answered[0][0]},1\n{'0' * 32},1\n{answered[1][0]},2\n")
    came = run("reward", "prices", path)
    assert came.code == 0
    assert (came.told["rows"], came.told["taken"], came.told["new"]) == (3, 1, 1)
    assert (came.told["unknown"], came.told["unknown_first"], came.told["refused"]) == (1, ["0" * 32], 1)
    shown = run("reward", "prices", path, as_json=False).text
    assert f"no prediction of this bandit: {'0' * 32}" in shown
    assert "row 3: reward: 2 is not 0 or 1" in shown
    path.write_text(f"prediction_id,reward\n{'0' * 32},1\n")
    assert run("reward", "prices", path).code == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("start", "prices", 2), "CFG070"),
        (("start", "Prices", 2, *SAID), "BAN008"),
        (("start", "prices", 1, *SAID), "BAN008"),
        (("start", "prices", 2, 2, *SAID), "BAN008"),
        (("start", "prices", 9, *SAID), "STA004"),
        (("start", "prices", 2, "--policy", "always:B", *SAID), "BAN008"),
        (("start", "prices", 2, "--policy", "thompson:0.5", *SAID), "BAN004"),
        (("start", "prices", 2, "--reward", "error", *SAID), "BAN008"),
        (("start", "prices", 2, "--unit", "nobody", *SAID), "BAN008"),
        (("report",), "BAN001"),
        (("stop", "prices", *SAID), "BAN001"),
        (("evaluate", "prices", "--policy", "uniform"), "BAN001"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(run, arguments, code):
    ran = run(*arguments)
    assert ran.error.code == code
    assert ran.error.next_step


def test_second_bandit_is_told_of_the_first(run):
    assert run("start", "prices", 2, *SAID).code == 0
    ran = run("start", "colours", 3, *SAID)
    assert (ran.error.code, ran.error.exit_code) == ("RACE006", 6)
    assert "bandit-prices" in ran.error.what
