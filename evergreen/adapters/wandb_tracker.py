"""Weights & Biases, offline: a training becomes a run folder that its owner may send on with `wandb sync`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evergreen.base.errors import Unavailable
from evergreen.base.files import write_bytes
from evergreen.record.tracker import Run, Training

LOGGED = "logged.json"  # written last: a run folder without it was left by a killed process
TRIAL = ("number", "state", "family", "params", "score", "seconds")


class WandbTracker:
    """Writes run folders under ``folder/wandb``; nothing is sent, and no address is contacted.

    A run that has ended cannot be continued offline, so what is attached to it makes a run of its own in its group.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, training: Training) -> Run:
        """Log a training once and return its run."""
        config = {
            "params": dict(training.params),
            "tags": dict(training.tags),
            "datasets": [dataset.model_dump(mode="json") for dataset in training.datasets],
        }

        def write(run: Any, scratch: Path) -> None:
            import wandb

            series = training.series
            for step in range(max(map(len, series.values()), default=0)):
                run.log({name: values[step] for name, values in series.items() if step < len(values)}, step=step)
            rows = [[getattr(trial, name) for name in TRIAL] for trial in training.trials]
            table = wandb.Table(columns=list(TRIAL), data=[[*row[:3], str(row[3]), *row[4:]] for row in rows])
            run.log({**_pictures(training.files, scratch), "trials": table})
            run.summary.update(dict(training.metrics))

        return self._once(
            training.candidate[:16], project=training.experiment, name=training.name, config=config, write=write
        )

    def attach(self, files: Mapping[str, bytes], *, experiment: str, candidate: str) -> None:
        """Write pictures, by path, as a run in the group of a candidate's, once."""
        run_id = candidate[:16]
        self._once(
            f"{run_id}-analysis",
            project=experiment,
            name=f"analysis-{run_id[:8]}",
            config={"candidate": run_id},
            write=lambda run, scratch: run.log(_pictures(files, scratch)),
        )

    def _once(
        self, run_id: str, *, project: str, name: str, config: dict[str, Any], write: Callable[[Any, Path], None]
    ) -> Run:
        import wandb

        for logged in self.folder.glob(f"wandb/offline-run-*-{run_id}/{LOGGED}"):
            return Run(run_id=run_id, uri=str(logged.parent))
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with TemporaryDirectory() as scratch:
                run = wandb.init(
                    project=project,
                    id=run_id,
                    group=run_id.partition("-")[0],
                    name=name,
                    dir=self.folder,
                    config=config,
                    mode="offline",
                    settings=_quiet(),
                )
                folder = Path(run.dir).parent
                write(run, Path(scratch))
                run.finish()
        except (wandb.Error, OSError) as error:
            raise Unavailable(
                "DEP009",
                f"Weights & Biases does not work: {error}",
                where=str(self.folder),
                next_step="Run the same command again, or leave wandb out of trackers.",
            ) from error
        finally:
            wandb.teardown()  # its helper process ends with the run
        write_bytes(folder / LOGGED, run_id.encode())
        return Run(run_id=run_id, uri=str(folder))


def _quiet() -> Any:
    import wandb

    return wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        save_code=False,
        silent=True,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )


def _pictures(files: Mapping[str, bytes], scratch: Path) -> dict[str, Any]:
    import wandb

    pictures = {}
    for path, content in files.items():
        if path.endswith(".png"):
            target = scratch / Path(path).name
            target.write_bytes(content)
            pictures[path.removesuffix(".png")] = wandb.Image(str(target))
    return pictures
