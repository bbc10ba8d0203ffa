"""The step: what `Scoring` does with some of the files, as a task that says which ones they are."""

from tasks.planned import plan
from tasks.score_partitions import score_partitions


def test_step_scores_its_files_with_the_version_that_it_is_given(visited):
    root = visited.settings.project
    planned = plan(str(root / "visits.csv"), root / "out.csv")
    given = {"version": visited.champion(), "settings": visited.settings, "champion": True, "before": 4, "of": 5}
    (done,) = score_partitions.fn(planned, **given, logs=False)
    assert (done.name, done.rows, done.refused, done.skipped, done.logged) == ("visits.csv", 1_815, 0, False, 0)
    (again,) = score_partitions.fn(planned, **given, logs=False)
    assert again == done.model_copy(update={"skipped": True})
