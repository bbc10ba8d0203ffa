import pyarrow as pa

from evergreen.record.drawn import drawn, is_of

RULES = ["bandit-a.1", "bandit-a.2!B:slow", None, "bandit-ab.1", "rollout-1.2!challenger:error"]
BATCH = pa.record_batch(
    {"traffic_rule": pa.array(RULES, pa.string()), "variant": ["B", "champion", "champion", "C", "champion"]}
)


def test_rows_are_an_owners_by_the_name_of_their_rule_alone():
    assert is_of(BATCH, "bandit-a").to_pylist() == [True, True, False, False, False]
    assert is_of(BATCH.select(["variant"]), "bandit-a").to_pylist() == [False] * 5


def test_row_that_fell_back_belongs_to_the_arm_that_was_drawn():
    found = drawn(BATCH)
    assert found.rule.to_pylist() == ["bandit-a.1", "bandit-a.2", None, "bandit-ab.1", "rollout-1.2"]
    assert found.arm.to_pylist() == ["B", "B", "champion", "C", "challenger"]
    assert found.why.to_pylist() == [None, "slow", None, None, "error"]
