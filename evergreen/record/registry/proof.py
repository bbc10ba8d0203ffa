"""The proof of a version: a folder of what it was made of and judged on, from which the verdict can be found again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from evergreen.base.values import Value
from evergreen.config.card import CardText
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.decisions.gate.campaign import Asked, Rule
from evergreen.decisions.gate.scores import Compared
from evergreen.decisions.gate.verdict import Verdict
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import StepRun
from evergreen.record.plan.commits import Commit

PROOF = "proof.json"
ROWS = "rows.parquet"  # the table of `compared`
GOLDEN = "golden.parquet"  # gate rows as a caller sends them, without personal values
ANSWERS = "golden-answers.parquet"  # what the model that was promoted answers to them
METRICS = "metrics.json"  # every number that was logged, by name


class Proof(Value):
    """What a version was made of and judged on.

    `candidate`: as the gate was asked about it; `taken`: which of its two models was promoted. `compared`, `rule`,
    `asked_at`, `history` and `only` (the artifact that was asked alone, if one was): what the gate was asked, from
    which, with `params.gate`, follows `verdict`. `author`: of the commit, as ``Name <address>``. `digests`: of code,
    parameters and lock. `packages`: versions of what it was trained with, by name. `run_id`: in MLflow.
    `card`: what people said of the model then.
    """

    name: str
    candidate: Candidate
    taken: Literal["model", "baseline"]
    verdict: Verdict
    compared: Compared
    rule: Rule
    asked_at: datetime
    history: tuple[Asked, ...]
    only: str | None
    params: Params
    contract: Contract
    commit: Commit
    author: str | None
    digests: Mapping[str, str]
    python: str
    packages: Mapping[str, str]
    steps: tuple[StepRun, ...]
    run_id: str
    card: CardText | None = None
