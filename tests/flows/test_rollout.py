"""A version comes into service by degrees: what may begin, what each move changes, and what forbids it."""

import pytest
from exposed import another

from evergreen.adapters.packaging import building
from evergreen.base.errors import ConfigError, GateRefused, LostRace
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.project import Project
from evergreen.record import rollouts, traffic
from evergreen.record.registry.people import person
from flows import promotion, rollout
from tasks import mirror

ADA = person("Ada", "it looks right")


@pytest.fixture
def two(visited: Project, monkeypatch) -> Project:
    """A project with a champion, version 1, and a version 2."""
    another(visited)
    monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
    monkeypatch.setattr(building, "build", lambda *_, **__: None)
    return visited


def begun(project: Project, **more):
    return rollout.begin(project, 2, **{"plan": "shadow,5,50,100", "by": "Ada", "reason": "newer", **more})


def standing(project: Project) -> Traffic | None:
    return traffic.standing(project.ledger(), project.name)


def refused(kind, code, decide, *given, **named):
    with pytest.raises(kind) as caught:
        decide(*given, **named)
    assert caught.value.code == code, caught.value
    return caught.value


def test_shadow_asks_the_version_about_everything_and_lets_the_champion_answer(two) -> None:
    begun(two)
    now = standing(two)
    assert (now.mode, now.rule, now.owner, now.epoch) == ("shadow", "rollout-1.1", "rollout-1", 1)
    assert now.arms == (Arm(name="challenger", version=2, share=0), Arm(name="champion", version=1, share=1))


def test_each_step_gives_the_version_a_larger_share_of_the_same_keys(two) -> None:
    begun(two)
    shares, salts = [], set()
    for _ in range(2):
        rollout.advance(two, ADA)
        now = standing(two)
        shares.append(now.arms[0].share)
        salts.add(now.salt)
    assert (shares, salts, now.mode, now.rule) == ([0.05, 0.5], {"rollout-1"}, "split", "rollout-1.3")


def test_last_step_makes_it_champion_by_the_rollouts_name_and_divides_nothing_any_more(two) -> None:
    begun(two)
    for _ in range(3):
        done = rollout.advance(two, ADA)
    promotion_entry = two.ledger().changes(two.name)[-1]
    assert (done.ended.did, two.ledger().champion(two.name).version, standing(two)) == ("finished", 2, None)
    assert promotion_entry.payload["by"] == "rollout-1"
    assert promotion_entry.payload["reason"] == "it looks right (begun by Ada: newer)"


def test_abort_gives_the_traffic_back_and_the_next_one_begins_from_nothing(two) -> None:
    begun(two)
    rollout.advance(two, ADA)
    ended = rollout.abort(two, person("Ada", "a doubt"))
    assert (ended.ended.did, ended.ended.reason, standing(two)) == ("aborted", "a doubt", None)
    begun(two, plan="10,100")
    now = standing(two)
    assert (now.rule, now.salt, now.arms[0].share) == ("rollout-2.1", "rollout-2", 0.1)


def test_second_rollout_is_refused_and_names_the_first(two) -> None:
    another(two, 3)
    begun(two)
    error = refused(LostRace, "RACE006", rollout.begin, two, 3, by="Eve", reason="mine")
    assert error.exit_code == 6
    assert "rollout-1" in error.what
    assert len(rollouts.rollouts(two.ledger(), two.name)) == 1


def test_rollout_beside_an_experiment_is_refused_and_leaves_nothing(two) -> None:
    arms = (Arm(name="champion", version=1, share=0.5), Arm(name="B", version=2, share=0.5))
    rule = Traffic(
        kind="experiment", rule="experiment-x.1", owner="experiment-x", epoch=1, mode="split", arms=arms, salt="x"
    )
    traffic.change(two.ledger(), two.name, rule, owner="experiment-x", expected_epoch=1, because={})
    error = refused(LostRace, "RACE006", begun, two)
    assert "experiment-x" in error.what
    assert rollouts.rollouts(two.ledger(), two.name) == []


def test_all_of_the_traffic_at_once_has_to_be_asked_for_and_is_kept(two) -> None:
    refused(GateRefused, "GATE008", begun, two, plan="100")
    assert rollouts.rollouts(two.ledger(), two.name) == []
    done = begun(two, plan="100", direct=True)
    assert (done.ended.did, two.ledger().champion(two.name).version) == ("finished", 2)
    assert two.ledger().changes(two.name)[-1].payload["direct"] is True


def test_champion_that_changed_meanwhile_holds_it(two) -> None:
    another(two, 3)
    begun(two)
    promotion.promote(two, 3, person("Eve", "mine"))
    error = refused(LostRace, "RACE008", rollout.advance, two, ADA)
    assert "version 3 is champion since; it was begun against version 1" in error.what
    rollout.abort(two, ADA)
    assert standing(two) is None


def test_rejected_version_does_not_become_champion_and_the_move_is_not_kept(two) -> None:
    begun(two, plan="50,100")
    promotion.reject(two, 2, person("Eve", "wrong rows"))
    refused(LostRace, "RACE005", rollout.advance, two, ADA)
    under_way = rollouts.under_way(two.ledger(), two.name)
    assert (under_way.at, two.ledger().champion(two.name).version) == (0, 1)


def test_version_that_the_policy_wants_approved_is_not_rolled_out_by_a_command(two) -> None:
    asked = Project.open(overrides=["approval.required=[first]"])
    refused(GateRefused, "GATE004", rollout.begin, asked, 2, by="Ada", reason="newer")
    assert rollout.begin(asked, 2, by="Ada", reason="fine", kind="approval").begun.origin == "approval"


def test_unit_that_is_no_column_is_named(two) -> None:
    asked = Project.open(overrides=["rollout.unit=[customer]"])
    error = refused(ConfigError, "CFG111", rollout.begin, asked, 2, by="Ada", reason="newer")
    assert "'customer'" in error.what


def test_champion_cannot_be_rolled_out_nor_what_is_not_there(two) -> None:
    refused(ConfigError, "STA010", rollout.begin, two, 1, by="Ada", reason="newer")
    refused(ConfigError, "STA004", rollout.begin, two, 9, by="Ada", reason="newer")
    refused(ConfigError, "STA020", rollout.abort, two, ADA)
