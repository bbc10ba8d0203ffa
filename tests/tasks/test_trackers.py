"""The trackers that the settings want, in their order."""

from evergreen.adapters.tensorboard_tracker import TensorboardTracker
from evergreen.adapters.tracking import MlflowTracker
from evergreen.adapters.wandb_tracker import WandbTracker
from evergreen.config.settings import Settings
from tasks.trackers import wanted

KINDS = {"mlflow": MlflowTracker, "wandb": WandbTracker, "tensorboard": TensorboardTracker}


def test_mlflow_alone_is_wanted_by_default(tmp_path):
    assert {name: type(tracker) for name, tracker in wanted(Settings(home=tmp_path)).items()} == {
        "mlflow": MlflowTracker
    }


def test_trackers_are_those_of_the_settings_and_keep_under_home(tmp_path):
    names = ("tensorboard", "mlflow", "wandb")
    found = wanted(Settings(home=tmp_path, trackers=names))
    assert list(found) == list(names)
    assert all(type(found[name]) is KINDS[name] for name in names)
    kept = " ".join(str(value) for tracker in found.values() for value in vars(tracker).values())
    for folder in ("mlflow/artifacts", "wandb", "tensorboard"):
        assert str(tmp_path / folder) in kept
