"""What policies answer in three values, against all ways in which the unknown may turn out."""

from itertools import product

import pytest

from evergreen.config.params.policy import Policy
from evergreen.decisions.retrain.policy import answer, behind, turning

VALUES = (True, False, None)
TEXTS = ("any(harm,probe,drift)", "all(harm,probe,drift)", "majority(harm,probe,drift)", "any(harm,all(probe,drift))",
         "majority(harm,all(harm,drift),probe)", "all(any(harm,never),probe,majority(drift,probe))")  # fmt: skip
SIGNALS = ("harm", "probe", "drift")


def boolean(text, said):
    """The policy as Python says it."""
    known = {
        "never": False, **said,
        "any": lambda *parts: any(parts), "all": lambda *parts: all(parts),
        "majority": lambda *parts: 2 * sum(parts) > len(parts),
    }  # fmt: skip
    known["any_"], known["all_"] = known["any"], known["all"]
    return eval(text.replace("any(", "any_(").replace("all(", "all_("), {"__builtins__": {}}, known)


@pytest.mark.parametrize("text", TEXTS)
def test_answer_is_certain_wherever_the_unknown_does_not_matter_to_any_part(text):
    policy = Policy.parse(text)
    for values in product(VALUES, repeat=3):
        said = dict(zip(SIGNALS, values, strict=True)) | {"never": False}
        ways = {
            boolean(text, dict(zip(SIGNALS, way, strict=True)))
            for way in product(*((value,) if value is not None else (True, False) for value in values))
        }
        found = answer(policy, said)
        if None not in values:
            assert ways == {found}
        if found is not None:
            assert ways == {found}


@pytest.mark.parametrize("text", TEXTS[:4])
def test_answer_is_unknown_only_where_it_may_turn_out_either_way(text):
    policy = Policy.parse(text)  # each signal stands in it once
    for values in product(VALUES, repeat=3):
        ways = {
            boolean(text, dict(zip(SIGNALS, way, strict=True)))
            for way in product(*((value,) if value is not None else (True, False) for value in values))
        }
        assert (answer(policy, dict(zip(SIGNALS, values, strict=True))) is None) == (len(ways) == 2)


@pytest.mark.parametrize(
    ("text", "said", "names"),
    [
        ("any(harm,probe)", (True, True, False), ("harm",)),
        ("any(probe,harm)", (True, True, False), ("probe",)),
        ("any(harm,all(probe,drift))", (False, True, True), ("probe", "drift")),
        ("majority(harm,probe,drift)", (True, False, True), ("harm", "drift")),
        ("all(harm,probe)", (True, False, True), ()),
        ("all(harm,probe)", (True, None, True), ()),
    ],
)
def test_signals_behind_an_answer_are_those_that_made_it(text, said, names):
    assert behind(Policy.parse(text), dict(zip(SIGNALS, said, strict=True))) == names


@pytest.mark.parametrize("text", TEXTS)
def test_what_would_have_turned_an_answer_does(text):
    policy = Policy.parse(text)
    for values in product(VALUES, repeat=3):
        said = dict(zip(SIGNALS, values, strict=True)) | {"never": False}
        now = bool(answer(policy, said))
        names = turning(policy, said)
        assert names
        together = {**said, **dict.fromkeys(names, not now)}
        assert bool(answer(policy, together)) != now
        if all(bool(answer(policy, {**said, name: not now})) == now for name in names):  # none of them alone
            fewer = [{**said, **dict.fromkeys(set(names) - {name}, not now)} for name in names]
            assert all(bool(answer(policy, other)) == now for other in fewer)


def test_nothing_turns_a_policy_that_never_fires():
    assert turning(Policy.parse("never"), {"never": False}) == ()
    assert turning(Policy.parse("all(never,harm)"), {"never": False, "harm": False}) == ()
