"""Weights & Biases, offline: a training becomes a run folder that its owner may send on with `wandb sync`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from evergreen.base.errors import Unavailable
from evergreen.base.files import write_bytes
from evergreen.record.tracker import Run, Training

LOGGED = "logged.json"  # written last: a run folder without it was left by a killed process
TRIAL = ("number", "state", "family", "params", "score", "seconds")


class WandbTracker:
    """Writes run folders under ``folder/wandb``; nothing is sent, and no address is contacted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, training: Training) -> Run:
        """Log a training once and return its run."""
        import wandb

        run_id = training.candidate[:16]
        for found in self.folder.glob(f"wandb/offline-run-*-{run_id}/{LOGGED}"):
            return Run(run_id=run_id, uri=str(found.parent))
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with TemporaryDirectory() as scratch:
                folder = self._write(training, run_id, Path(scratch))
        except (wandb.Error, OSError) as error:
            raise Unavailable(
                "DEP009",
                f"Weights & Biases does not work: {error}",
                where=str(self.folder),
                next_step="Run the same command again, or leave wandb out of trackers.",
            ) from error
        finally:
            wandb.teardown()  # its helper process ends with the run
        write_bytes(folder / LOGGED, training.candidate.encode())
        return Run(run_id=run_id, uri=str(folder))

    def _write(self, training: Training, run_id: str, scratch: Path) -> Path:
        import wandb

        run = wandb.init(
            project=training.experiment,
            id=run_id,
            name=training.name,
            dir=self.folder,
            config={
                "params": dict(training.params),
                "tags": dict(training.tags),
                "datasets": [dataset.model_dump(mode="json") for dataset in training.datasets],
            },
            mode="offline",
            settings=wandb.Settings(
                console="off",
                disable_code=True,
                disable_git=True,
                save_code=False,
                silent=True,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )
        folder = Path(run.dir).parent
        for step in range(max(map(len, training.series.values()), default=0)):
            run.log({name: values[step] for name, values in training.series.items() if step < len(values)}, step=step)
        pictures = {}
        for path, content in training.files.items():
            if path.endswith(".png"):
                target = scratch / Path(path).name
                target.write_bytes(content)
                pictures[path.removesuffix(".png")] = wandb.Image(str(target))
        rows = [[getattr(trial, name) for name in TRIAL] for trial in training.trials]
        table = wandb.Table(columns=list(TRIAL), data=[[*row[:3], str(row[3]), *row[4:]] for row in rows])
        run.log({**pictures, "trials": table})
        run.summary.update(dict(training.metrics))
        run.finish()
        return folder
