import pytest
from scipy import stats

from evergreen.decisions.experiments.proportions import compare


def test_figures_of_the_guide_to_the_digits_given() -> None:
    found = compare((100, 1_000), (130, 1_000))
    assert (round(found.z, 3), round(found.p_value, 4), round(found.lift, 3)) == (2.103, 0.0355, 0.3)
    assert (round(found.low, 3), round(found.high, 3)) == (0.002, 0.058)


@pytest.mark.parametrize(("first", "second"), [((100, 1_000), (130, 1_000)), ((7, 90), (31, 412)), ((5, 9), (1, 8))])
def test_p_value_is_that_of_the_chi_squared_test_without_correction(first, second) -> None:
    table = [[hits, n - hits] for hits, n in (first, second)]
    assert compare(first, second).p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_no_success_of_the_control_has_no_lift_and_no_crash() -> None:
    found = compare((0, 1_000), (12, 1_000))
    assert found.lift is None
    assert found.p_value < 0.001
    assert compare((0, 10), (0, 10)).p_value is None


@pytest.mark.parametrize("wrong", [(0, 0), (3, 2), (-1, 5)])
def test_count_of_nothing_or_of_more_than_all_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=f"got {wrong[0]} of {wrong[1]}"):
        compare((1, 10), wrong)
