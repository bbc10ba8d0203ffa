import pytest

from evergreen.base.errors import ConfigError
from evergreen.decisions.rollout.plan import parse


def test_plan_is_read_back_as_it_was_written() -> None:
    plan = parse("shadow, 2.5,50,100")
    assert plan.text == "shadow,2.5,50,100"
    assert [step.name for step in plan.steps] == ["shadow", "2.5 %", "50 %", "100 %"]
    assert [step.share for step in plan.steps] == [0, 0.025, 0.5, 1]
    assert (plan.looked_at, plan.at_once) == (3, False)


def test_plan_of_one_step_is_all_at_once() -> None:
    assert parse("100").at_once
    assert not parse("shadow,100").at_once


def test_plan_that_goes_down_is_one_block() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("50,25,100")
    assert caught.value.code == "CFG110"
    assert "25 comes after 50" in caught.value.block()
    assert "--plan" in caught.value.block()
