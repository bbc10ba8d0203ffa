"""What is kept of a training, and whether a tracker can be had."""

import pytest
from trainings import training

from evergreen.base.errors import ConfigError
from evergreen.record.tracker import require


def test_training_is_named_by_the_beginning_of_its_candidate():
    assert training("0123456789abcdef" * 4).name == "training-01234567"


def test_installed_trackers_and_none_at_all_are_accepted():
    require(())
    require(("json", "mlflow"))


def test_tracker_whose_package_is_missing_is_named_with_how_to_install_it():
    with pytest.raises(ConfigError) as caught:
        require(("json", "no_such_tracker"))
    assert caught.value.code == "TRK001"
    assert "'no_such_tracker'" in str(caught.value)
    assert "evergreen[no_such_tracker]" in caught.value.next_step
