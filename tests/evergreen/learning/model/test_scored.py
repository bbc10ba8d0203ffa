"""What scoring says at its end: counts over all files, and of the files a bounded list with the failures first."""

from evergreen.base.errors import DataError
from evergreen.learning.model.scored import MOST_LISTED, Failure, ScoredFile, ScoringOutcome


def test_counts_are_over_all_files_and_failures_are_listed_first():
    error = DataError("DQ002", "cannot be parsed", where="x")
    many = [ScoredFile(name=f"{n}", output="o", rows=10, refused=1, skipped=n % 2 == 0, logged=9) for n in range(250)]
    bad = ScoredFile(name="bad", output="o", failure=Failure.of(error))
    found = ScoringOutcome.of([*many, bad], model="m", version=2, output="out")
    assert (found.rows, found.scored, found.refused, found.logged) == (2_500, 2_250, 250, 2_250)
    assert (found.files, found.skipped, found.failed, found.exit_code) == (251, 125, 1, 3)
    assert len(found.listed) == MOST_LISTED
    assert found.listed[0] == bad
    assert found.listed[0].failure.block == error.block()


def test_nothing_that_failed_is_exit_code_0():
    assert ScoringOutcome.of([], model="m", version=2, output="out").exit_code == 0
