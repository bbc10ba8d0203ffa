"""How far a search has come, in words."""

import pytest

from evergreen.learning.tuning.progress import Progress


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(1, 8, None), "trial 1 of 8, no score yet"),
        (Progress(8, 8, -0.12344), "trial 8 of 8, best so far -0.1234"),
        (Progress(2, 8, 0.0), "trial 2 of 8, best so far 0.0000"),
    ],
)
def test_progress_says_how_many_trials_and_the_best_score(progress, text):
    assert str(progress) == text
