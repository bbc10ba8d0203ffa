"""What `evergreen degree` shows a person: who decides, how it goes, what comes next, and no estimate that is none."""

from datetime import UTC, datetime

from cli.degrees import lines
from evergreen.decisions.automation.bars import Bar
from evergreen.decisions.automation.selective import Selective
from evergreen.decisions.drift.audit import Audited
from flows.degrees import Standing

PLAIN = Standing(model="visits", version=3, degree=None, highest=None, error=None)
AUDITED = Audited(verdict="measured", evidence="loss 0.0120 [0.0050, 0.0210]: 100 of 100", n_asked=100, n_labels=100,
                  n_ignored=0, confidence=0.95, loss=0.012, low=0.005, high=0.021)  # fmt: skip


def test_without_a_policy_the_model_answers_every_row():
    assert lines(PLAIN) == ["visits version 3: no degree of automation holds, so the model answers every row"]
    allowed = lines(PLAIN.model_copy(update={"highest": "partial"}))
    assert allowed[0].endswith("; the contract allows partial at most")


def test_partial_says_how_many_are_referred_and_which_number_is_an_estimate():
    found = PLAIN.model_copy(
        update={
            "degree": "partial", "highest": "partial", "error": 0.02, "since": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            "by": "ada", "reason": "a month of assist", "threshold": 0.97, "evidence": "60.0% of 4,000 rows",
            "n_rows": 1_200, "decided": {"audit": 50, "automatic": 850, "unsure": 300},
            "partial": Selective(n_rows=1_200, n_automatic=850, referred=0.25, n_plain=350, plain=0.31,
                                 automatic=AUDITED, everything=AUDITED),
        }
    )  # fmt: skip
    text = "\n".join(lines(found))
    assert "partial: the model answers where it is sure; a person decides the rest" in text
    assert "since      2026-01-02 03:04 UTC, by ada: a month of assist" in text
    assert "1,200 of this version whose labels are due: audit 50, automatic 850, unsure 300" in text
    assert "25.0% were not sure enough" in text
    assert "loss 0.0120 [0.0050, 0.0210]: 100 of 100; at most 0.02 is promised" in text
    assert "0.3100 of the 350 that people looked at are wrong" in text
    assert "nothing: this is the highest degree that the contract allows" in text


def test_bar_of_the_next_degree_says_what_it_misses():
    ahead = Bar(degree="assist", met=False, evidence="12 labels of 3 days are known")
    shown = lines(PLAIN.model_copy(update={"degree": "shadow", "bar": ahead}))
    assert shown[-1] == "  next       assist: the bar is not met: 12 labels of 3 days are known"
