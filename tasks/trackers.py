"""The trackers that the settings want, by name."""

from evergreen.adapters.tensorboard_tracker import TensorboardTracker
from evergreen.adapters.tracking import MlflowTracker
from evergreen.adapters.wandb_tracker import WandbTracker
from evergreen.config.settings import Settings
from evergreen.record.tracker import Tracker


def wanted(settings: Settings) -> dict[str, Tracker]:
    """Return what keeps trainings, MLflow among them."""
    known: dict[str, Tracker] = {
        "mlflow": MlflowTracker(settings.tracking_uri(), settings.home / "mlflow" / "artifacts"),
        "wandb": WandbTracker(settings.home / "wandb"),
        "tensorboard": TensorboardTracker(settings.home / "tensorboard"),
    }
    return {name: known[name] for name in settings.trackers}
