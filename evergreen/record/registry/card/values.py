"""A model card as a value: what a version is, what it may be used for, and on what evidence it answers."""

from datetime import date, datetime
from typing import Any, Literal

from evergreen.base.values import Value
from evergreen.config.card import CardText
from evergreen.config.contract.columns import ColumnType, Role, Task
from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.verdict import Answer


class Logged(Value):
    """A number as it was logged: `name` is that of the metric of the version's run."""

    name: str
    value: float


class Details(Value):
    """Which model this is.

    `digest`: of the model that answers; `judged_digest`: of the one that the gate measured, which is another where it
    was fitted on the gate rows too. `package`: the digest of its package's manifest. `trained_at`: when the gate was
    asked. `changed`: files that differed from the commit. `predecessor`: the champion that it was promoted over.
    """

    name: str
    version: int
    description: str
    task: Task
    target: str
    classes: tuple[str, ...]
    family: str
    parameters: dict[str, Any]
    digest: str
    judged_digest: str
    package: str | None
    trained_at: datetime
    author: str | None
    commit: str
    changed: tuple[str, ...]
    run_id: str
    candidate: str
    code_digest: str
    params_digest: str
    lock_digest: str | None
    python: str
    packages: dict[str, str]
    predecessor: int | None


class Decision(Value):
    """What a person, or the gate, decided about the version; `kind` as in the ledger."""

    kind: Literal["approval", "rejection", "promotion", "rollback"]
    by: str
    reason: str
    at: datetime


class Table(Value):
    """Rows that the version was made of or judged on. `sha256`: of the dataset's rows, or of the file."""

    name: str
    rows: int
    sha256: str


class Described(Value):
    """A column of the contract. `personal`: what becomes of its values before they are stored; None for no personal."""

    name: str
    type: ColumnType
    role: Role
    unit: str
    description: str
    personal: str | None


class Data(Value):
    """What it learned from. `start`, `end`: the days that were asked for; `rows_end`: the day after the last row.

    `kept`, `quarantined`: rows by what validation found; `warnings`: what it warned of.
    """

    sources: tuple[str, ...]
    start: date | None
    end: date | None
    rows_end: date | None
    timezone: str
    key: tuple[str, ...]
    label_delay_days: int
    tables: tuple[Table, ...]
    kept: Logged | None
    quarantined: Logged | None
    warnings: tuple[str, ...]
    columns: tuple[Described, ...]


class Measured(Value):
    """A metric on the gate rows, its interval, and the same metric of other models, by whose they are.

    `others`: ``baseline``, ``prior`` and the like on the same rows; ``train``: of the model on its own train rows.
    `gain`: the interval of the gain over the baseline.
    """

    metric: str
    unit: str
    greater_is_better: bool
    value: Logged
    low: Logged | None
    high: Logged | None
    gain: tuple[Logged, Logged] | None
    others: dict[str, Logged]


class Part(Value):
    """A class, or a slice of the gate rows, with its numbers by what they say, such as ``recall``."""

    name: str
    numbers: dict[str, Logged]


class Gate(Value):
    """What the gate said. `sees`: what it could tell apart, for a person; empty where it could tell nothing."""

    verdict: Answer
    rule: Rule
    reason: str
    metric: str
    checks: tuple[Check, ...]
    sees: str
    level: float | None
    uses: int


class Calibration(Value):
    """What calibration did on the validation folds. `before`, `after`: log loss and expected calibration error."""

    method: str
    is_applied: bool
    before: dict[str, Logged]
    after: dict[str, Logged]


class Threshold(Value):
    """From which probability on a binary answer is true, and how it was found."""

    value: Logged
    how: str


class Evaluation(Value):
    """How it was measured. `unit`: what intervals draw, of which there are `n_clusters`; 0 for no intervals.

    `fitted`, `judged`: on how many rows.
    """

    metrics: tuple[Measured, ...]
    undefined: tuple[str, ...]
    baseline: str
    unit: str
    n_clusters: int
    confidence: float
    fitted: Logged
    judged: Logged
    classes: tuple[Part, ...]
    slices: tuple[Part, ...]


class Card(Value):
    """All of a model card.

    `preprocessing`, `split`: what was done to the rows and which of them judge, in sentences. `limits`: what the
    evidence cannot say. `protected`: columns that are no input, by which groups are told; `personal`: columns that hold
    personal values. `reproduce`, `rollback`: the commands.
    """

    details: Details
    people: CardText
    missing: tuple[str, ...]
    decisions: tuple[Decision, ...]
    data: Data
    preprocessing: tuple[str, ...]
    split: tuple[str, ...]
    evaluation: Evaluation
    gate: Gate
    calibration: Calibration | None
    threshold: Threshold | None
    limits: tuple[str, ...]
    protected: tuple[str, ...]
    personal: tuple[str, ...]
    reproduce: str
    rollback: str
