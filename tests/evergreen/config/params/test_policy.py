"""The grammar of policies: what is read back as it was written, and what is refused with a likely spelling."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.config.params.policy import DEEPEST, Policy

leaves = st.sampled_from(["never", "drift", "harm", "estimated", "probe", "cost"]) | st.builds(
    "{}-{}".format, st.sampled_from(["every", "rows", "age"]), st.integers(1, 1_000_000_000)
)
texts = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, parts: f"{kind}({','.join(parts)})",
        st.sampled_from(["any", "all", "majority"]),
        st.lists(inner, min_size=1, max_size=4, unique=True),
    ),
    max_leaves=12,
).filter(lambda text: text.count("(") <= DEEPEST)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_policy_gives_its_text_back(text):
    assert str(Policy.parse(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="anylhrmobe-(),0123456789 \n٣", max_size=60))
def test_any_text_is_a_policy_or_is_refused(text):
    with suppress(ValueError):  # and no other error
        policy = Policy.parse(text)
        assert Policy.parse(str(policy)) == policy


def test_spaces_do_not_count():
    assert str(Policy.parse(" any( harm , every-3 ) ")) == "any(harm,every-3)"


def test_signals_are_told_once_in_the_order_in_which_they_are_written():
    policy = Policy.parse("any(harm,all(probe,harm),majority(every-3,every-1))")
    assert [str(signal) for signal in policy.signals] == ["harm", "probe", "every-3", "every-1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a policy"),
        ("prob", "Did you mean 'probe'?"),
        ("Harm", "Did you mean 'harm'?"),
        ("evry-3", "Did you mean 'every-K'?"),
        ("anyof(harm)", "Did you mean 'any(…)'?"),
        ("weekly", "Known are never, drift, harm"),
        ("every", "wants a whole number"),
        ("every-0", "wants a whole number"),
        ("every-1.5", "left over"),
        ("rows-99999999999", "wants a whole number"),
        ("age--3", "wants a whole number"),
        ("harm-3", "is no policy"),
        ("any", "is no policy"),
        ("any()", "expected a policy"),
        ("any(harm", "is not closed"),
        ("any(harm,)", "expected a policy"),
        ("any(harm))", "left over"),
        ("harm,probe", "left over"),
        ("any(harm,harm)", "stands twice"),
        ("any(" * 1000 + "harm" + ")" * 1000, "nested at most"),
    ],
)
def test_what_is_no_policy_is_refused_with_a_hint(text, said):
    with pytest.raises(ValueError, match=r".") as caught:
        Policy.parse(text)
    assert said in str(caught.value)
