"""What `evergreen bandit` plans and says, where the commands alone do not show it."""

import drawing
import pytest
import remembered

from cli import bandits
from evergreen.base.errors import ConfigError
from evergreen.project import Project


@pytest.fixture
def project(fresh):
    drawing.with_versions(fresh, 2, 3)
    return fresh


def planned(project, **about):
    given = {"versions": [2, 3], "policy": "thompson", "reward": "label", "unit": (), "slow_ms": 500.0}
    return bandits.planned(project, "prices", **(given | about))


def test_arms_are_named_by_letters_after_the_champion(project):
    plan = planned(project)
    assert (plan.arms, plan.versions) == (("champion", "B", "C"), drawing.ARMS)
    assert (plan.policy.kind, plan.slow_ms, plan.owner) == ("thompson", 500.0, "bandit-prices")


def test_version_that_was_rejected_cannot_be_an_arm(project):
    project.ledger().record("visits", "rejection", "3", {"version": 3, "by": "Ada", "reason": "no"})
    with pytest.raises(ConfigError, match="rejected"):
        planned(project)


def test_number_is_no_reward_for_counts(fresh):
    path = fresh.settings.project / "configs" / "visits" / "contract.yaml"
    path.write_text(path.read_text().replace("{name: returned, type: boolean", "{name: returned, type: number"))
    linear = "{linear: {alpha: {float: [0.1, 10], log: true}}}"
    project = Project.open(overrides=[f"tune.families={linear}", "train.baseline={linear: {}}", "gate.metric=r2"])
    drawing.with_versions(project, 2, 3)
    with pytest.raises(ConfigError, match="Thompson"):
        planned(project)
    assert planned(project, policy="epsilon:0.1", reward="error").reward == "error"
    assert planned(project, reward="file").policy.kind == "thompson"


def test_held_bandit_says_who_became_champion(project):
    drawing.begun(project)
    remembered.make_champion(project.ledger(), 3)
    told = bandits.report(project, None)
    assert (told["state"], told["why"]) == ("held", "version 3 became champion since it began, and answers alone")


def test_rows_that_fell_back_are_counted_by_their_arm(project, capsys):
    drawing.begun(project)
    answered = drawing.answer(project, 120, fallen={5: "slow", 6: "error", 7: "slow"})
    told = bandits.report(project, "prices")
    by_arm = {arm["arm"]: (arm["rows"], arm["fell_back"]) for arm in told["arms"]}
    for arm in drawing.ARMS:
        fell = sum(answered[place][1] == arm for place in (5, 6, 7))
        assert by_arm[arm] == (sum(drawn == arm for _, drawn in answered), fell)
    bandits.show(told)
    shown = capsys.readouterr().out
    assert all(str(rows) in shown for rows, _ in by_arm.values())
