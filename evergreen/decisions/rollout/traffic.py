"""Which variant answers whom: a table of shares, and a salted hash that puts each key in its place."""

import hashlib
from typing import Annotated, Literal, NamedTuple, Self, cast, get_args

from pydantic import Field, model_validator

from evergreen.base.values import Value

CHAMPION = "champion"  # the name of the variant that answers where nothing else is said
Kind = Literal["rollout", "experiment", "bandit"]
Mode = Literal["shadow", "split"]
Why = Literal["error", "slow"]  # why the champion answered in another variant's place


class Arm(Value):
    """A variant: its name in records and metrics, the version that answers, and its share of the keys, 0 to 1."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_.-]{0,39}$")]
    version: int
    share: Annotated[float, Field(ge=0, le=1)]


class Traffic(Value):
    """How the traffic of a model is divided, from one change of it to the next. It is what a service reads.

    Attributes
    ----------
    rule : the id in every record that it routed: `<owner>.<n>`, another one with each change.
    owner : the rollout, experiment or bandit that it belongs to, such as `rollout-3`.
    epoch : of the champion under which it holds; under any other the champion answers alone.
    mode : "shadow": the champion answers all, the others are asked too and never heard; "split": by `arms`.
    arms : variants in the order in which they take their places from 0 on; the shares of a split add up to 1.
    salt : what the hash of a key begins with: the same for a whole rollout, so that a key which has the challenger
        keeps it while its share grows.
    unit : the columns of the contract that name who is kept with a variant; without any, or where one is missing in a
        row, the prediction's id.
    slow_ms : how long a variant may take for a batch, in milliseconds, before the champion answers; None for any time.
    """

    kind: Kind
    rule: str
    owner: str
    epoch: int
    mode: Mode
    arms: tuple[Arm, ...]
    salt: str
    unit: tuple[str, ...] = ()
    slow_ms: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"variants must have names of their own, got {', '.join(names) or 'none'}")
        total = sum(arm.share for arm in self.arms)
        if self.mode == "split" and abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of a split must add up to 1, got {total:g}")
        if self.mode == "split" and CHAMPION not in names:
            raise ValueError(f"one variant must be the {CHAMPION}: it answers where another cannot")
        return self


def place(salt: str, key: str) -> float:
    """Return where in [0, 1) a key lies under a salt: uniform over keys, and independent from one salt to another.

    Examples
    --------
    >>> place("rollout-1", "7") == place("rollout-1", "7"), place("rollout-1", "7") == place("rollout-2", "7")
    (True, False)
    """
    digest = hashlib.blake2b(f"{salt}\x00{key}".encode("utf-8", "surrogatepass"), digest_size=7).digest()
    return (int.from_bytes(digest) >> 3) / 2**53


def drawn(traffic: Traffic, key: str) -> Arm:
    """Return the variant of a key in a split; its share is the propensity.

    Examples
    --------
    >>> arms = (Arm(name="challenger", version=4, share=0.25), Arm(name="champion", version=3, share=0.75))
    >>> split = Traffic(
    ...     kind="rollout", rule="rollout-1.2", owner="rollout-1", epoch=3, mode="split", arms=arms, salt="rollout-1"
    ... )
    >>> sum(drawn(split, str(customer)).name == "challenger" for customer in range(10_000))
    2604
    """
    at, end = place(traffic.salt, key), 0.0
    for arm in traffic.arms:
        end += arm.share
        if at < end:
            return arm
    return next(arm for arm in reversed(traffic.arms) if arm.share > 0)


class FellBack(NamedTuple):
    """A row that the champion answered although another variant was drawn: it still belongs to that variant."""

    rule: str
    arm: str
    why: Why


def fallen(rule: str, arm: str, why: Why) -> str:
    """Return how a record names the rule of a row that the champion answered in another variant's place.

    Examples
    --------
    >>> fallen("rollout-3.2", "challenger", "slow")
    'rollout-3.2!challenger:slow'
    """
    return f"{rule}!{arm}:{why}"


def fell_back(rule: str | None) -> FellBack | None:
    """Return what a record's rule says of a row that fell back; None of any other.

    Examples
    --------
    >>> fell_back("rollout-3.2!challenger:slow")
    FellBack(rule='rollout-3.2', arm='challenger', why='slow')
    >>> fell_back("rollout-3.2") is None
    True
    """
    before, is_marked, after = (rule or "").rpartition("!")
    arm, _, why = after.partition(":")
    if not is_marked or not before or not arm or why not in get_args(Why):
        return None
    return FellBack(before, arm, cast("Why", why))
