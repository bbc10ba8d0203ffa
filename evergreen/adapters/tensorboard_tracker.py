"""TensorBoard: a training becomes a folder of event files, with a folder below for each trial."""

import io
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evergreen.base.errors import explain_os_errors
from evergreen.base.temporaries import delete, left_of, temporary
from evergreen.record.tracker import Run, Training, Trial


class TensorboardTracker:
    """Writes event files under ``folder/<experiment>/<candidate>``; a run appears whole, by a rename.

    What is attached to it lies in its folder ``analysis``, as the trials lie in theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, training: Training) -> Run:
        """Log a training once and return its run."""
        target = self._run(training.experiment, training.candidate)
        with _made_once(target) as folder:
            if folder:
                _write(folder, training)
        return Run(run_id=target.name, uri=str(target))

    def attach(self, files: Mapping[str, bytes], *, experiment: str, candidate: str) -> None:
        """Add pictures, by path, to the run of a candidate, once."""
        with _made_once(self._run(experiment, candidate) / "analysis") as folder:
            if folder:
                with _events(folder) as add:
                    _add_pictures(add, files)

    def _run(self, experiment: str, candidate: str) -> Path:
        return self.folder / experiment / candidate[:16]


@contextmanager
def _made_once(target: Path) -> Iterator[Path | None]:
    """Yield a folder that becomes `target` when the block ends; None if that is there already."""
    with explain_os_errors(target):
        if target.exists():
            yield None
            return
        delete(left_of(target))
        unfinished = temporary(target)
        try:
            yield unfinished
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _write(folder: Path, training: Training) -> None:
    with _events(folder) as add:
        _add_hyperparameters(add, training.params, training.candidate)
        _add_numbers(add, training.metrics, training.series)
        for name, table in (("params", training.params), ("tags", training.tags)):
            add(_text(name, _markdown(table)), 0)
        datasets = [dataset.model_dump(mode="json") for dataset in training.datasets]
        add(_text("datasets", f"```json\n{json.dumps(datasets, indent=1)}\n```"), 0)
        _add_pictures(add, training.files)
    for trial in training.trials:
        _write_trial(folder / f"trial-{trial.number}", trial)


def _write_trial(folder: Path, trial: Trial) -> None:
    with _events(folder) as add:
        _add_hyperparameters(add, {"family": trial.family, **trial.params}, f"{folder.parent.name}-{trial.number}")
        score = {} if trial.score is None else {"score": trial.score}
        _add_numbers(add, {**score, "seconds": trial.seconds}, {"fold_score": trial.scores})
        add(_text("state", trial.state), 0)


@contextmanager
def _events(folder: Path) -> Iterator[Any]:
    """Yield a function that adds a summary at a step."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    try:
        yield lambda summary, step: writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
    finally:
        writer.close()


def _add_hyperparameters(add: Any, params: Mapping[str, object], name: str) -> None:
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    plain = {key: value if isinstance(value, (bool, int, float, str)) else str(value) for key, value in params.items()}
    for value in hparams_pb(plain, trial_id=name).value:
        add(_summary(value), 0)


def _add_numbers(add: Any, metrics: Mapping[str, float], series: Mapping[str, Sequence[float]]) -> None:
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    for name, values in {**{name: (value,) for name, value in metrics.items()}, **series}.items():
        for step, value in enumerate(values):
            add(scalar_pb(name, value), step)


def _add_pictures(add: Any, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        if path.endswith(".png"):
            add(_picture(path.removesuffix(".png"), content), 0)


def _summary(value: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[value])


def _text(name: str, text: str) -> Any:
    from tensorboard.plugins.text.summary_v2 import text_pb

    return text_pb(name, text)


def _picture(name: str, png: bytes) -> Any:
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = Image.open(io.BytesIO(png)).size
    return Summary(
        value=[Summary.Value(tag=name, image=Summary.Image(height=height, width=width, encoded_image_string=png))]
    )


def _markdown(table: Mapping[str, object]) -> str:
    lines = [f"| {name} | {str(value).replace('|', '/')} |" for name, value in table.items()]
    return "\n".join(["| name | value |", "|---|---|", *lines])
