"""A candidate: what the steps of a training made, by the names of their artifacts."""

from datetime import date

from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.values import Value
from evergreen.data.validation import Validation
from evergreen.learning.evaluation import Report
from evergreen.learning.features import Split
from evergreen.learning.tuning.best import Best


class Candidate(Value):
    """A trained and measured model, before the gate, and everything that it was made from.

    `key`: the digest of what is judged and how, under which the ledger keeps the judgement. `data_end`: the day before
    which all of its rows lie; None for a table without time.
    """

    key: str
    data_end: date | None
    raw: DatasetRef
    valid: TableRef
    quarantine: TableRef
    validation: Validation
    docs: FolderRef
    train: TableRef
    test: TableRef
    split: Split
    lookups: FolderRef
    best: Best
    trials: TableRef
    out_of_fold: TableRef
    model: FolderRef
    baseline: FolderRef
    report: Report
    scores: TableRef

    def taking(self, artifact: str) -> "Candidate":
        """Return the candidate with the model that is promoted: itself, or its baseline in its place."""
        if artifact == "model":
            return self
        report = self.report
        swapped = Report(
            family=report.baseline_family,
            baseline_family="prior",
            candidate=report.baseline,
            baseline=report.baselines.get("prior", {}),
            train={},
            n_train=report.n_train,
            n_test=report.n_test,
            threshold=report.baseline_threshold,
            baseline_threshold=report.baseline_threshold,
            baselines=report.baselines,
        )
        promoted = {
            "model": self.baseline,
            "baseline": self.model,
            "report": swapped,
            "best": self.best.taking_simpler(),
        }
        return self.model_copy(update=promoted)
