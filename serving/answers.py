"""What a caller is answered: predictions of rows, or an error in the form of every error of ours, as JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from evergreen.learning.evaluation.estimates import Estimates

_JSON = msgspec.json.Encoder()
THRESHOLD = "threshold"  # the rule that makes a decision
CHAMPION = ("champion", 1.0)  # the variant that answers, and the probability with which it was to
UNDECIDED = (*CHAMPION, None, None)
Headers = list[tuple[bytes, bytes]]


class Truth(msgspec.Struct, gc=False):
    """The answer for one row; `label` is true when `probability` is at or above the release's threshold."""

    prediction_id: str
    label: bool
    probability: float
    decision: str
    reason: str

    @property
    def logged(self) -> "Logged":
        return self.label, self.probability, None, *CHAMPION, self.decision, THRESHOLD


class Class(msgspec.Struct, gc=False):
    """The answer for one row: its likeliest class and the probability of it."""

    prediction_id: str
    label: str
    probability: float

    @property
    def logged(self) -> "Logged":
        return self.label, self.probability, None, *UNDECIDED


class Number(msgspec.Struct, gc=False):
    """The answer for one row, in the target's unit."""

    prediction_id: str
    value: float

    @property
    def logged(self) -> "Logged":
        return None, None, self.value, *UNDECIDED


class Referred(msgspec.Struct, gc=False):
    """The answer for a row that a person decides, who is not told what the model says."""

    prediction_id: str
    decision: str
    reason: str


class AdvisedClass(Class):
    """A class and its probability, for a person who decides."""

    decision: str
    reason: str


class AdvisedNumber(Number):
    """A value, for a person who decides."""

    decision: str
    reason: str


# What the prediction log keeps of an answer: label, probability, value, variant, propensity, decision and rule.
Logged = tuple[Any, ...]
Predicted = Truth | Class | Number
Shown = Predicted | Referred


def predicted(ids: Sequence[str], estimates: Estimates, threshold: float) -> list[Predicted]:
    """Return the answers for rows, one estimate and one id each, in their order."""
    if estimates.task == "regression":
        return [Number(*each) for each in zip(ids, estimates.values.tolist(), strict=True)]
    if estimates.task == "binary":
        above, below = f" ≥ threshold {threshold:.6g}", f" < threshold {threshold:.6g}"
        return [
            Truth(name, True, share, "positive", f"probability {share:.6g}{above}")
            if share >= threshold
            else Truth(name, False, share, "negative", f"probability {share:.6g}{below}")
            for name, share in zip(ids, estimates.values.tolist(), strict=True)
        ]
    chosen, shares = estimates.values.argmax(axis=1).tolist(), estimates.values.max(axis=1).tolist()
    return [Class(name, estimates.classes[at], share) for name, at, share in zip(ids, chosen, shares, strict=True)]


def to_json(value: object) -> bytes:
    """Return a value as JSON."""
    return _JSON.encode(value)


class RequestError(Exception):
    """A request that is answered with an error: its HTTP status, its cause in the metrics, and the error's block."""

    def __init__(
        self,
        status: int,
        cause: str,
        code: str,
        what: str,
        *,
        where: str = "",
        next_step: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(what)
        self.status, self.cause, self.code, self.what, self.where = status, cause, code, what, where
        self.next_step = next_step
        more = [(b"retry-after", b"1")] if status in (429, 503) else []
        self.headers: Headers = [*headers, *more]

    def bare(self) -> "RequestError":
        """Return it without the frames that it passed: whoever keeps them keeps what was sent."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)

    def body(self) -> bytes:
        """Return the error as it is answered."""
        block = {"code": self.code, "what": self.what, "where": self.where, "next": self.next_step}
        return _JSON.encode({"error": block})
