"""Golden rows: made-up rows and what the pipeline said of them, asked again wherever the model is loaded."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from evergreen.base.errors import IntegrityError
from evergreen.learning.model.compiled.plan import refused

Array = np.ndarray[Any, Any]
Scalar = float | int | str | bool | None
FILE = "compiled/golden.json"
TOLERANCE = 1e-5


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of raw JSON scalars in the order of `columns`, and the pipeline's estimates of them.

    `scale`: what differences are counted in: 1 for probabilities, the estimates' spread for values.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    estimates: tuple[float | tuple[float, ...], ...]
    scale: float = 1.0

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Golden":
        """Return what `to_bytes` made; raises CompiledError for anything else."""
        try:
            golden = msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise refused(f"not golden rows: {' '.join(str(error).split())[:200]}") from error
        if len(golden.rows) != len(golden.estimates) or any(len(row) != len(golden.columns) for row in golden.rows):
            raise refused("not golden rows: not one estimate and one value of each column for every row")
        return golden

    def difference(self, estimates: Array) -> float:
        """Return the largest difference of estimates from the pipeline's, in units of `scale`; infinite for NaN."""
        expected = np.array(self.estimates, dtype=np.float64)
        if expected.shape != np.shape(estimates):
            return float("inf")
        largest = float(np.max(np.abs(estimates - expected), initial=0.0)) / self.scale
        return largest if largest == largest else float("inf")


class Answering(Protocol):
    """A model that has golden rows, or a scorer."""

    @property
    def golden(self) -> Golden | None: ...

    def estimate_raw(self, rows: Sequence[Sequence[Scalar]]) -> Array: ...


def check(model: Answering) -> float:
    """Return how far a model's answers to its golden rows are from the pipeline's; 0 where it has none."""
    golden = model.golden
    if golden is None or not golden.rows:
        return 0.0
    return golden.difference(model.estimate_raw(golden.rows))


def require(model: Answering, *, where: str = "") -> None:
    """Raise IntegrityError unless a model answers its golden rows as the pipeline did, within 1e-5."""
    difference = check(model)
    if not difference <= TOLERANCE:
        raise IntegrityError(
            "CMP002",
            f"the model's answers to its golden rows differ by up to {difference:.2g} from those it was made with",
            where=where,
            next_step="Do not serve it here: another version of a library counts otherwise. Train it again.",
        )
