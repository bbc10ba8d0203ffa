"""A version comes into service by degrees: what may begin, what each move changes, and what forbids it."""

import pytest
from exposed import Town, alone, another

from evergreen.base.errors import ConfigError, GateRefused, LostRace
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.project import Project
from evergreen.record import rollouts, traffic
from evergreen.record.registry.people import person
from flows import promotion, rollout

ADA = person("Ada", "it looks right")


@pytest.fixture
def two(visited: Project, monkeypatch) -> Project:
    """A project with a champion, version 1, and a version 2."""
    another(visited)
    alone(monkeypatch)
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


def opened(**more: str) -> Project:
    """The project whose steps take no time, and whose rows of a visitor are of one unit."""
    given = {"harm.loss": "error", "rollout.unit": "[visit]", "rollout.min_hours": "0", **more}
    return Project.open(overrides=[f"{key}={value}" for key, value in given.items()])


def run(project: Project, *, plan: str, days: int = 40, **more) -> tuple[rollouts.Rollout, Town]:
    """Roll version 2 out, a day of traffic and a look at a time, until it ends."""
    made = rollout.begin(project, 2, plan=plan, by="Ada", reason="newer")
    town = Town(project, **more)
    for _ in range(days):
        town.day()
        rollout.look(project, now=town.now)
        made = rollouts.rollouts(project.ledger(), project.name)[-1]
        if made.ended:
            break
    town.close()
    return made, town


def test_equal_version_comes_to_all_of_the_traffic_by_itself(two) -> None:
    project = opened(**{"rollout.worse_by": "0.1", "rollout.min_rows": "50"})
    made, town = run(project, plan="shadow,50,100", rows=120)
    assert (made.ended.did, made.ended.by) == ("finished", "rollout-1")
    assert (project.ledger().champion("visits").version, standing(project)) == (2, None)
    assert town.answered_new > 0
    assert made.moves[-1].evidence["checks"][0]["outcome"] == "passed"


def test_version_that_fails_is_returned_with_the_rows_that_it_answered(two) -> None:
    made, town = run(opened(), plan="50,100", days=3, rows=200, broken=0.3)
    assert (made.ended.did, town.days) == ("returned", 1)
    assert f"It answered {made.ended.evidence['exposed']:,} rows" in made.ended.reason
    assert (standing(two), two.ledger().champion("visits").version) == (None, 1)


def test_slow_version_is_stopped_by_its_p99(two) -> None:
    made, town = run(opened(), plan="50,100", days=3, rows=200, ms_new=150.0)
    assert (made.ended.did, town.days) == ("returned", 1)
    assert "p99 is" in made.ended.reason


def test_look_puts_into_effect_what_a_process_that_ended_did_not(two) -> None:
    made = begun(two)
    rollouts.move(two.ledger(), made, "advanced", step=1, by="rollout-1", reason="every check passed")
    assert standing(two).rule == "rollout-1.1"
    rollout.look(two)
    assert standing(two).rule == "rollout-1.2"
    moved = rollouts.under_way(two.ledger(), two.name)
    rollouts.move(two.ledger(), moved, "returned", by="rollout-1", reason="it loses more")
    assert standing(two).rule == "rollout-1.2"
    rollout.look(two)
    assert standing(two) is None


def test_look_at_a_version_that_was_rejected_returns_it(two) -> None:
    begun(two)
    promotion.reject(two, 2, person("Eve", "wrong rows"))
    rollout.look(two)
    ended = rollouts.rollouts(two.ledger(), two.name)[-1].ended
    assert (ended.did, ended.reason, standing(two)) == ("returned", "it was rejected by Eve: wrong rows", None)


def test_look_after_the_champion_changed_holds_and_says_so_once(two) -> None:
    another(two, 3)
    begun(two)
    promotion.promote(two, 3, person("Eve", "mine"))
    for _ in range(3):
        looked = rollout.look(two)
    assert (looked.decision.answer, looked.decision.person) == ("hold", True)
    (noted,) = two.ledger().entries(two.name, rollouts.NOTE)
    assert "version 3 is champion since" in noted.payload["reason"]
    assert rollouts.under_way(two.ledger(), two.name) is not None


def test_version_that_a_person_promoted_meanwhile_ends_its_rollout(two) -> None:
    begun(two)
    promotion.promote(two, 2, person("Eve", "at once"))
    rollout.look(two)
    assert rollouts.under_way(two.ledger(), two.name) is None
    assert standing(two) is None


def test_looks_that_find_the_same_are_noted_once(two) -> None:
    begun(two)
    for _ in range(3):
        assert rollout.look(two).decision.answer == "hold"
    assert len(two.ledger().entries(two.name, rollouts.NOTE)) == 1


def test_hold_keeps_the_step_and_advance_goes_on(two) -> None:
    begun(two)
    rollout.hold(two, person("Ada", "not over the holidays"))
    found = rollout.look(two).decision
    assert (found.answer, found.reason, found.person) == ("hold", "Ada holds it: not over the holidays", False)
    assert rollout.advance(two, ADA).held is None


def test_ten_in_a_row_leave_nothing_behind(two) -> None:
    in_a_row(two, 10)


def in_a_row(project: Project, n: int) -> None:
    """Each begins from nothing: with names of its own, and with no row of those before."""
    town = Town(project, rows=60)
    seen = set()
    for number in range(1, n + 1):
        begun(project, plan="50,100")
        now = standing(project)
        assert (now.rule, now.salt) == (f"rollout-{number}.1", f"rollout-{number}")
        found = rollout.look(project).decision
        (rows,) = [check for check in found.checks if check.name == "rows"]
        assert rows.figures["rows"] == 0
        town.day()
        seen.add(now.salt)
        rollout.abort(project, ADA)
        assert standing(project) is None
    town.close()
    assert len(seen) == n
    assert [one.ended.did for one in rollouts.rollouts(project.ledger(), project.name)] == ["aborted"] * n


@pytest.mark.long
def test_fifty_in_a_row_leave_nothing_behind(two) -> None:
    in_a_row(two, 50)


@pytest.mark.long
def test_version_that_is_worse_by_3_points_is_returned_by_itself_and_an_equal_one_comes_to_all(two) -> None:
    """The same through the ledger and the log as in tests/evergreen/decisions/rollout/test_decision.py."""
    project = opened()
    for seed in range(4):
        made, town = run(project, plan="shadow,5,25,50,100", rows=1_000, visitors=1_000, wrong_new=0.23, seed=seed)
        assert (made.ended.did, made.step.name, town.answered_new) == ("returned", "shadow", 0)
    made, _ = run(project, plan="shadow,25,50,100", rows=1_000, visitors=1_000)
    assert (made.ended.did, standing(project)) == ("finished", None)
