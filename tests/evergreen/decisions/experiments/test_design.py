import pytest
from experimented import design

from evergreen.decisions.experiments.design import Goal, Guard, Variant


def test_champion_has_the_share_that_the_variants_leave() -> None:
    found = design(variants=(Variant(name="B", version=2, share=0.3), Variant(name="C", version=3, share=0.2)))
    assert found.champion_share == pytest.approx(0.5)
    assert found.names == ("champion", "B", "C")
    assert found.owner == "experiment-checkout"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"variants": (Variant(name="champion", version=2, share=0.5),)}, "names of their own"),
        ({"variants": (Variant(name="B", version=2, share=0.6), Variant(name="C", version=3, share=0.4))}, "no share"),
        ({"variants": (Variant(name="B", version=2, share=0.2), Variant(name="B", version=3, share=0.2))}, "names"),
        ({"guards": (Guard(metric="target", better="higher", margin=0),)}, "once"),
        ({"name": "Check out"}, "pattern"),
        ({"planned": 1}, "greater than or equal"),
        ({"alpha": 0}, "greater than 0"),
    ],
)
def test_what_does_not_add_up_is_refused(changed, why) -> None:
    with pytest.raises(ValueError, match=why):
        design(**changed)


def test_effect_that_is_not_above_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Goal(metric="target", better="higher", effect=0)
