import pytest
from scipy import stats

from evergreen.base.errors import ConfigError
from evergreen.decisions.experiments.sample_size import Size, clustered, of_means, of_rates


def test_figure_of_the_guide() -> None:
    assert of_rates(0.10, 0.02, alpha=0.05, power=0.8).once == 3_843


def test_size_for_means_has_the_power_that_the_t_test_says() -> None:
    n = of_means(2.0, 0.5, power=0.9).once
    apart = 0.5 / 2 * (n / 2) ** 0.5
    reached = stats.nct.sf(stats.t.ppf(0.975, 2 * n - 2), 2 * n - 2, apart)
    assert reached == pytest.approx(0.9, abs=0.005)


def test_reading_at_any_time_takes_about_twice_as_many_at_most() -> None:
    size = of_rates(0.10, 0.02)
    assert 1.8 < size.any_time / size.once < 2


@pytest.mark.parametrize("effect", [0, -0.01, float("nan")])
def test_smallest_effect_that_is_not_above_zero_is_an_error(effect) -> None:
    with pytest.raises(ConfigError, match="smallest effect") as caught:
        of_rates(0.1, effect)
    assert caught.value.code == "EXP001"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: of_rates(0, 0.1),
        lambda: of_rates(0.9, 0.2),
        lambda: of_means(0, 0.1),
        lambda: of_rates(0.1, 0.02, alpha=0),
        lambda: of_rates(0.1, 0.02, power=1),
        lambda: of_rates(0.1, 1e-9),
        lambda: clustered(Size(once=1, any_time=2), rows=0.5, alike=0),
        lambda: clustered(Size(once=1, any_time=2), rows=2, alike=1.5),
    ],
)
def test_numbers_that_are_no_shares_or_no_sizes_are_refused(wrong) -> None:
    with pytest.raises(ConfigError) as caught:
        wrong()
    assert caught.value.code == "EXP001"


def test_rows_that_all_say_the_same_count_as_one() -> None:
    assert clustered(Size(once=100, any_time=200), rows=4, alike=1) == Size(once=400, any_time=800)
