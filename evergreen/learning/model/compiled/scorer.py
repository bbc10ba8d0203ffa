"""The scorer: typed rows in, estimates out, by the plan and the graph of a compiled model."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evergreen.learning.model.compiled.curves import calibrated, linked
from evergreen.learning.model.compiled.golden import FILE as GOLDEN
from evergreen.learning.model.compiled.golden import Golden, Scalar
from evergreen.learning.model.compiled.plan import Plan, PlanColumn, Task, refused
from evergreen.learning.model.compiled.reading import Reader
from evergreen.learning.model.compiled.rowwise import RowEncoder, Typed

if TYPE_CHECKING:
    import pyarrow as pa

Array = np.ndarray[Any, Any]
FOLDER = "compiled/"
PLAN, GRAPH = f"{FOLDER}plan.json", f"{FOLDER}graph.onnx"
INPUT, OUTPUT = "encoded", "estimates"
KINDS = {"tensor(double)": np.float64, "tensor(float)": np.float32}
ROWS_AT_ONCE = 8_192  # whose numbers stay in a core's cache


class Scorer:
    """A compiled model in memory; several threads may ask it.

    A row has one estimate, bit for bit, alone and among others: on one thread the graph does nothing but sum up.
    """

    def __init__(self, plan: Plan, session: Any, golden: Golden | None = None) -> None:
        self.plan, self.golden = plan, golden
        self._session = session
        self._kind = KINDS[session.get_inputs()[0].type]
        self._rows = RowEncoder(plan)
        self._batches: Any = None

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Scorer":
        """Return the scorer in the files of a model's folder, which hold `PLAN` and `GRAPH`.

        Raises
        ------
        CompiledError if one is not there, is not ours, or does not fit the other.
        """
        for name in (PLAN, GRAPH):
            if name not in files:
                raise refused(f"it lacks {name}")
        plan = Plan.from_bytes(files[PLAN])
        session = opened(files[GRAPH])
        _check(plan, session)
        golden = files.get(GOLDEN)
        return cls(plan, session, None if golden is None else Golden.from_bytes(golden))

    @property
    def columns(self) -> tuple[PlanColumn, ...]:
        """What a row is asked with: the contract's request columns in its order, then the given ones."""
        return self.plan.columns

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.plan.task

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass model, in the order of its probabilities; empty for other tasks."""
        return self.plan.classes

    def encode_rows(self, rows: Sequence[Sequence[Typed]]) -> Array:
        """Return the graph's input, shape (n, width), of rows of typed values in the order of `columns`."""
        encode = self._rows.encode
        return np.array([encode(row) for row in rows], self._kind).reshape(len(rows), self.plan.width)

    def encode_batch(self, batch: "pa.RecordBatch") -> Array:
        """Return the graph's input, shape (n, width), of rows that are typed as `conform` types them."""
        if self._batches is None:
            from evergreen.learning.model.compiled.columnwise import BatchEncoder

            self._batches = BatchEncoder(self.plan)
        encoded: Array = self._batches.encode(batch, self._kind)
        return encoded

    def estimate(self, encoded: Array) -> Array:
        """Return estimates in float64: (n,) the probability of true or the value; (n, k) of each class."""
        answers = self._session.run([OUTPUT], {INPUT: encoded})[0]
        if self.plan.task != "multiclass":
            answers = answers[:, 0]
        estimates = linked(answers.astype(np.float64, copy=False), self.plan.link)
        curve = self.plan.calibration
        return calibrated(estimates, curve.method, curve.numbers) if curve else estimates

    def estimate_raw(self, rows: Sequence[Sequence[Scalar]]) -> Array:
        """Return estimates of rows of raw JSON scalars in the usual forms; raises Unusual for any other."""
        reader, typed = Reader(self.columns, zone=self.plan.zone), []
        for row in rows:
            values: list[Typed] = []
            reader.read(row, values)
            typed.append(values)
        return self.estimate(self.encode_rows(typed))

    def estimate_batch(self, batch: "pa.RecordBatch") -> Array:
        """Return `estimate` of a batch of any length, so many rows at a time that memory does not grow with it."""
        parts = [
            self.estimate(self.encode_batch(batch.slice(begin, ROWS_AT_ONCE)))
            for begin in range(0, batch.num_rows, ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, *([len(self.classes)] if self.classes else [])))


def opened(content: bytes) -> Any:
    """Return a graph's session on one thread; raises CompiledError for what onnxruntime does not take."""
    os.putenv("ORT_DISABLE_TELEMETRY", "1")  # read on import, which looks its vendor's host up otherwise
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own, which have no common base
        raise refused(f"not a graph: {' '.join(str(error).split())[:200]}") from error


def _check(plan: Plan, session: Any) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if [each.name for each in inputs] != [INPUT] or [each.name for each in outputs] != [OUTPUT]:
        raise refused(f"the graph is to have the input '{INPUT}' and the output '{OUTPUT}', and no other")
    if inputs[0].type not in KINDS or len(inputs[0].shape) != 2 or inputs[0].shape[1] != plan.width:
        raise refused(f"the graph takes {inputs[0].type} of {inputs[0].shape}, and the plan makes {plan.width} numbers")
    width = len(plan.classes) if plan.task == "multiclass" else 1
    answers = session.run([OUTPUT], {INPUT: np.zeros((2, plan.width), KINDS[inputs[0].type])})[0]
    if answers.shape != (2, width):
        raise refused(f"the graph answers with shape {answers.shape} to 2 rows, and the plan says {width} numbers each")
