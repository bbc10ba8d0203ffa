"""The reference profile: what the rows that a model was trained on were like, without any of them."""

import msgspec

from evergreen.learning.model.compiled.plan import refused

FILE = "compiled/profile.json"
LEVELS = (0.01, *(step / 20 for step in range(1, 20)), 0.99)
BINS = 20


class ColumnProfile(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The share of missing values, and of the others: their quantiles at LEVELS, or the shares of the commonest.

    Quantiles of an instant are in microseconds since 1970. Text has neither.
    """

    missing: float
    quantiles: tuple[float, ...] | None = None
    shares: dict[str, float] | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the train rows were like.

    `columns`: by name, without those that hold personal values. `edges` and `shares`: the histogram of the estimates,
    20 bins: of the probability of true, of the likeliest class, or, between its quantiles, of the value. `labels`: the
    shares of the likeliest class; None for other tasks.
    """

    rows: int
    columns: dict[str, ColumnProfile]
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    labels: dict[str, float] | None = None

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Profile":
        """Return what `to_bytes` made; raises CompiledError for anything else."""
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise refused(f"not a reference profile: {' '.join(str(error).split())[:200]}") from error
