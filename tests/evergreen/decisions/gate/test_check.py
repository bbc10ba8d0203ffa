"""What a check keeps, and how many of a unit are called."""

import pytest
from pydantic import ValidationError

from evergreen.decisions.gate.check import Check, plural


@pytest.mark.parametrize(
    ("unit", "n", "said"), [("day", 0, "days"), ("day", 1, "day"), ("day", 14, "days"), ("row", 2, "rows")]
)
def test_unit_is_called_by_how_many_there_are(unit, n, said):
    assert plural(unit, n) == said


def test_evidence_may_be_no_number_and_can_be_read_again():
    check = Check(name="floor", outcome="failed", text="", evidence={"roc_auc": float("nan"), "unit": "day", "n": None})

    again = Check.model_validate_json(check.model_dump_json())

    assert again.evidence == {"roc_auc": None, "unit": "day", "n": None}


def test_outcome_is_one_of_four():
    with pytest.raises(ValidationError, match="not applicable"):
        Check(name="floor", outcome="unknown", text="")
