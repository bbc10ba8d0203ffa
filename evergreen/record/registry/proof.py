"""The proof of a version: a folder of what it was made of and judged on, from which the verdict can be found again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from evergreen.base.artifacts.folders import read_folder
from evergreen.config.contract.contract import Contract
from evergreen.decisions.gate.verdict import Verdict
from evergreen.record.outcomes import StepRun
from evergreen.record.plan.commits import Commit
from evergreen.record.registry.case import Case

PROOF = "proof.json"
ROWS = "rows.parquet"  # the table of `compared`
GOLDEN = "golden.parquet"  # gate rows as a caller sends them, without personal values
ANSWERS = "golden-answers.parquet"  # what the model that was promoted answers to them
METRICS = "metrics.json"  # every number that was logged, by name


class Proof(Case):
    """What a version was made of and judged on: what the gate was asked, and what came of it.

    `verdict`: what follows from the case and its rows. `taken`: which of the candidate's two models was promoted.
    `author`: of the commit, as ``Name <address>``. `digests`: of code, parameters and lock. `packages`: the pinned
    versions of what the model needs, by name. `steps`: until the run was logged; `run_id`: of that run in MLflow.
    """

    name: str
    taken: Literal["model", "baseline"]
    verdict: Verdict
    contract: Contract
    commit: Commit
    author: str | None
    digests: Mapping[str, str]
    python: str
    packages: Mapping[str, str]
    steps: tuple[StepRun, ...]
    run_id: str


def read(path: Path, sha256: str) -> tuple[Proof, dict[str, bytes]]:
    """Return the proof in a folder, and its files by name, each verified before anything is parsed.

    Raises
    ------
    IntegrityError if the folder is damaged, or is another one.
    """
    _, files = read_folder(path, sha256)
    return Proof.model_validate_json(files[PROOF]), files
