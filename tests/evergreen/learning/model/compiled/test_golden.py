"""Golden rows: a model that answers as it was made to passes, any other does not."""

from dataclasses import dataclass

import numpy as np
import pytest

from evergreen.base.errors import IntegrityError
from evergreen.learning.model.compiled import golden
from evergreen.learning.model.compiled.golden import Golden
from evergreen.learning.model.compiled.plan import CompiledError

ROWS = Golden(("a", "b"), ((1, "x"), (2.5, None)), (0.25, 0.75))


@dataclass
class Said:
    golden: Golden | None
    answers: object

    def estimate_raw(self, rows):
        assert rows == ROWS.rows
        return np.array(self.answers)


def test_golden_rows_are_read_as_they_were_written():
    assert Golden.from_bytes(ROWS.to_bytes()) == ROWS


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", ROWS.to_bytes().replace(b"[0.25,0.75]", b"[0.25]"), ROWS.to_bytes().replace(b'"b"', b'"b","c"')],
)
def test_what_is_no_golden_rows_is_refused(content):
    with pytest.raises(CompiledError, match="golden rows"):
        Golden.from_bytes(content)


@pytest.mark.parametrize(
    ("answers", "difference"),
    [([0.25, 0.75], 0.0), ([0.25, 0.5], 0.25), ([0.25, np.nan], np.inf), ([0.25], np.inf), ([[0.25, 0.75]], np.inf)],
)
def test_difference_is_the_largest_and_endless_where_nothing_can_be_compared(answers, difference):
    said = Said(ROWS, answers)

    assert golden.check(said) == difference
    if not difference:
        golden.require(said)
        return
    with pytest.raises(IntegrityError) as caught:
        golden.require(said, where="bundle")
    assert (caught.value.code, caught.value.where) == ("CMP002", "bundle")


def test_values_are_compared_in_units_of_their_spread_and_a_model_without_golden_rows_passes():
    scaled = Golden(ROWS.columns, ROWS.rows, (100.0, 300.0), scale=100.0)

    assert golden.check(Said(scaled, [100.0, 250.0])) == 0.5
    assert golden.check(Said(None, [])) == 0.0
