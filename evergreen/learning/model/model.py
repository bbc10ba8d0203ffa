"""The model artifact: a fitted pipeline as skops, what it needs to be asked, and a manifest that is verified first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen import own_code
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import MENDS, IntegrityError
from evergreen.config import derived
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.evaluation.estimates import Estimates, estimate, nothing
from evergreen.learning.model import skops_archive
from evergreen.learning.model.compiled import golden as golden_rows
from evergreen.learning.model.compiled.golden import Golden, Scalar
from evergreen.learning.model.compiled.plan import PlanColumn, refused
from evergreen.learning.model.compiled.profile import FILE as PROFILE_FILE
from evergreen.learning.model.compiled.profile import Profile
from evergreen.learning.model.compiled.scorer import FOLDER, PLAN, Scorer
from evergreen.learning.model.requested import requested
from evergreen.learning.model.skops_file import from_bytes, to_bytes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from sklearn.pipeline import Pipeline

LOOKUPS = "lookups/"


@dataclass(frozen=True)
class Model:
    """A verified model in memory.

    `fitted`: the pipeline, or what reads it. Beside a compiled form nobody needs it to answer a row, and reading it
    takes longer than all the rest: so it is read when it is first asked for, as `pipeline`.

    `compiled`: the files of its compiled form and of what it is compared with, by path; none for a model that was saved
    without.
    """

    digest: str
    contract: Contract
    features: FeatureParams
    fitted: "Pipeline | Callable[[], Pipeline]" = field(repr=False)
    manifest: Mapping[str, Any]
    lookups: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    compiled: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def pipeline(self) -> "Pipeline":
        """The fitted pipeline; raises IntegrityError if it is read only now and holds a type not on our list."""
        if callable(self.fitted):
            object.__setattr__(self, "fitted", self.fitted())
        return self.fitted

    @property
    def given(self) -> tuple[Column, ...]:
        """The features of the past, which a caller may send beside the contract's request columns."""
        return derived.history(self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass model, in the order of its probabilities; empty for other tasks."""
        if self.contract.task != "multiclass":
            return ()
        return self.scorer.classes if self.scorer else tuple(map(str, self.pipeline.classes_))

    @cached_property
    def columns(self) -> tuple[PlanColumn, ...]:
        """What a row is asked with: the contract's request columns in its order, then the given ones."""
        return requested(self.contract, self.features)

    @cached_property
    def scorer(self) -> Scorer | None:
        """The compiled form, which answers in the pipeline's place; None where there is none.

        Raises
        ------
        CompiledError if it is damaged, or not of this model.
        """
        if PLAN not in self.compiled:
            return None
        scorer = Scorer.from_files(self.compiled)
        said = (scorer.columns, scorer.task, scorer.plan.zone)
        if said != (self.columns, self.contract.task, self.contract.timezone):
            raise refused("the plan is not of this model's contract")
        return scorer

    @cached_property
    def golden(self) -> Golden | None:
        """Made-up rows and what the pipeline said of them; None for a model that was saved without."""
        content = self.compiled.get(golden_rows.FILE)
        return None if content is None else Golden.from_bytes(content)

    @cached_property
    def profile(self) -> Profile | None:
        """What the train rows were like; None for a model that was saved without."""
        content = self.compiled.get(PROFILE_FILE)
        return None if content is None else Profile.from_bytes(content)

    def estimate_batch(self, batch: "pa.RecordBatch") -> Estimates:
        """Return the estimates of rows that are typed as `conform` types them: by the compiled form where there is one.

        A feature of the past that is not there is missing.
        """
        if self.scorer:
            return Estimates(self.contract.task, self.scorer.estimate_batch(batch), self.classes)
        from evergreen.data.typed.schema import to_pandas

        return self.predict(to_pandas(batch)) if batch.num_rows else nothing(self.contract.task, self.classes)

    def estimate_raw(self, rows: Sequence[Sequence[Scalar]]) -> "np.ndarray[Any, Any]":
        """Return the estimates of rows of raw JSON scalars in the usual forms, in the order of `columns`."""
        if self.scorer:
            return self.scorer.estimate_raw(rows)
        import pandas as pd

        from evergreen.data.validation import check

        columns = [*self.contract.request_columns, *self.given]
        values = dict(zip((column.name for column in columns), zip(*rows, strict=True), strict=True))
        frame = pd.DataFrame({name: pd.Series(column, dtype="object") for name, column in values.items()})
        return self.predict(check(frame, columns, zone=self.contract.timezone).kept).values

    def predict(self, rows: "pd.DataFrame") -> Estimates:
        """Return the pipeline's estimates for rows, at least one, with the contract's request columns and the `given`.

        The columns may come in any order; others are ignored. A feature of the past that is not there is missing.
        """
        from evergreen.learning import features

        inputs = features.build(rows, self.contract, self.features, self.lookups)
        return estimate(self.pipeline, inputs, task=self.contract.task, classes=self.classes)


def save(
    ws: Workspace,
    name: str,
    pipeline: "Pipeline",
    *,
    contract: Contract,
    features: FeatureParams,
    about: Mapping[str, Any],
    lookups: "Mapping[str, pd.DataFrame] | None" = None,
    compiled: Mapping[str, bytes] | None = None,
) -> FolderRef:
    """Write a fitted pipeline with its contract, feature parameters and lookups; equal fits give equal digests.

    Parameters
    ----------
    compiled : the files of its compiled form, by path.
    """
    from evergreen.learning.features import lookups as tables

    files = {
        "model.skops": to_bytes(pipeline),
        "contract.json": contract.model_dump_json().encode(),
        "features.json": features.model_dump_json().encode(),
        **{f"{LOOKUPS}{path}": content for path, content in tables.to_files(lookups or {}).items()},
        **(compiled or {}),
    }
    return ws.write_folder(name, files, about)


def load(path: Path, sha256: str) -> Model:
    """Return the model in a folder.

    Raises
    ------
    IntegrityError if a digest does not match or the pipeline's file is not one of ours; or holds a type that is not on
    our list, which of a pipeline beside a compiled form is known when that is asked for. ConfigError if a function of
    the user's own, which it needs, is not here.
    """
    from evergreen.learning.features import lookups as tables

    manifest, files = read_folder(path, sha256)
    contract, features = _asked(files, path)
    with _explained(path):
        looked_up = {name.removeprefix(LOOKUPS): content for name, content in files.items() if name.startswith(LOOKUPS)}
        pipeline, lookups = files["model.skops"], tables.from_files(looked_up)
    model = Model(
        digest=sha256,
        contract=contract,
        features=features,
        fitted=partial(from_bytes, pipeline, where=str(path)),
        manifest=manifest,
        lookups=lookups,
        compiled={name: content for name, content in files.items() if name.startswith(FOLDER)},
    )
    if PLAN in files:  # the pipeline is read when it is asked for; what is not one of ours is refused now
        skops_archive.check(pipeline, where=str(path))
    else:
        _ = model.pipeline
    for function in features.functions:  # a model without them would answer nothing
        if not own_code.is_known(function.rpartition(".")[0]):
            raise IntegrityError(
                "INT004",
                f"the model names a function outside evergreen.own: {function}",
                where=str(path),
                next_step="Do not use this file. The place of your team's functions is evergreen/own/<module>.py.",
            )
        own_code.load_function(function)
    return model


def asked(path: Path, sha256: str) -> tuple[Contract, FeatureParams]:
    """Return what the model in a folder is asked with, verified as `load` does, without the model itself."""
    return _asked(read_folder(path, sha256)[1], path)


def _asked(files: Mapping[str, bytes], path: Path) -> tuple[Contract, FeatureParams]:
    with _explained(path):
        contract = Contract.model_validate_json(files["contract.json"])
        return contract, FeatureParams.model_validate_json(files["features.json"])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what is wrong with files that are as they were written, but that no model of ours holds, into one block."""
    try:
        yield
    except (ValueError, LookupError, TypeError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:300]
        raise IntegrityError(
            "INT003",
            f"not a model folder of ours: {what}",
            where=str(path),
            next_step=f"Do not use this copy. {MENDS}",
        ) from error
