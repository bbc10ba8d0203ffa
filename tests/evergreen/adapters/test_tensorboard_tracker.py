"""TensorBoard: what its own reader finds in the event files of a training."""

import dataclasses

import pytest
from trainings import CANDIDATE, training

from evergreen.adapters.tensorboard_tracker import TensorboardTracker
from evergreen.base import temporaries
from evergreen.base.processes import Mark, place

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return TensorboardTracker(tmp_path_factory.mktemp("tensorboard")).log(training())


def text(found, name):
    return (
        found.Tensors(f"{name}/text_summary" if f"{name}/text_summary" in found.Tags()["tensors"] else name)[0]
        .tensor_proto.string_val[0]
        .decode()
    )


def numbers(found, name):
    from tensorboard.util.tensor_util import make_ndarray

    return {event.step: float(make_ndarray(event.tensor_proto)) for event in found.Tensors(name)}


def test_metrics_are_scalars_and_those_of_folds_have_steps(run):
    found = read(run.uri)

    assert numbers(found, "roc_auc") == pytest.approx({0: 0.75})
    assert numbers(found, "fold_score") == pytest.approx({0: 0.74, 1: 0.72})


def test_parameters_tags_and_datasets_are_texts_and_figures_are_images(run):
    found = read(run.uri)

    assert "| best.C | 0.5 |" in text(found, "params")
    assert f"| data_digest | {'d' * 64} |" in text(found, "tags")
    assert "a1" * 32 in text(found, "datasets")
    (image,) = found.Images("figures/roc")
    assert (image.width, image.height) == (20, 10)
    assert image.encoded_image_string == training().files["figures/roc.png"]


def test_each_trial_has_a_folder_of_its_own(run, tmp_path):
    from pathlib import Path

    folders = sorted(path for path in Path(run.uri).iterdir() if path.is_dir())
    assert [folder.name for folder in folders] == ["trial-0", "trial-1", "trial-2"]
    best, _, failed = map(read, folders)
    assert numbers(best, "score") == pytest.approx({0: 0.73})
    assert text(failed, "state") == "FAIL"
    assert "score" not in failed.Tags()["tensors"]


def test_training_is_logged_once(tmp_path):
    tracker = TensorboardTracker(tmp_path)
    first = tracker.log(training())

    assert tracker.log(training(metrics={"roc_auc": 0.1})) == first
    assert numbers(read(first.uri), "roc_auc") == pytest.approx({0: 0.75})
    assert [path.name for path in (tmp_path / "parcels").iterdir()] == [CANDIDATE[:16]]


def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(temporaries, "mark", lambda: Mark(place=place(), pid=2**22 + 1, started=1.0))
        left = temporaries.temporary(tmp_path / "parcels" / CANDIDATE[:16])
    (left / "trial-0").mkdir(parents=True)

    run = TensorboardTracker(tmp_path).log(training())

    assert [str(path) for path in (tmp_path / "parcels").iterdir()] == [run.uri]


def test_run_that_failed_midway_leaves_nothing(tmp_path):
    tracker = TensorboardTracker(tmp_path)
    with pytest.raises(AttributeError):
        tracker.log(dataclasses.replace(training(), trials=(None,)))

    assert list((tmp_path / "parcels").iterdir()) == []


def test_pictures_are_attached_in_a_folder_of_their_own_once(tmp_path):
    tracker = TensorboardTracker(tmp_path)
    run = tracker.log(training())
    for _ in range(2):
        tracker.attach(training().files, experiment="parcels", candidate=CANDIDATE)

    (events,) = (tmp_path / "parcels" / CANDIDATE[:16] / "analysis").iterdir()
    assert str(events).startswith(run.uri)
    assert read(events.parent).Images("figures/roc")[0].width == 20
