"""The gate's answer as it is read and kept: its reason, what it gives back, and what is kept of having asked."""

import pytest

from evergreen.decisions.gate.campaign import Level
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.verdict import Judged, Seen, Sees, Verdict

FLOOR = Check(name="floor", outcome="passed", text="high enough")
SLICES = Check(name="slices", outcome="passed", text="no slice loses")
NO_CHAMPION = Check(name="champion", outcome="not applicable", text="there is no champion to compare with")
UNCLEAR = Check(name="champion", outcome="inconclusive", text="too few rows")
WORSE = Check(name="champion", outcome="failed", text="shown to be worse")
LEVEL = Level(level=0.006, asked=0, spent=0.0, left=0.05, ends=None)


def verdict(answer, *checks, promote, **changed):
    return Verdict(verdict=answer, promote=promote, checks=checks, **changed)


@pytest.mark.parametrize(
    ("answer", "checks", "promote", "reason"),
    [
        ("PASS", (FLOOR, NO_CHAMPION, SLICES), True, "high enough"),
        ("FAIL", (FLOOR, WORSE, SLICES), False, "shown to be worse"),
        ("FAIL", (UNCLEAR, WORSE), False, "shown to be worse"),
        ("INCONCLUSIVE", (FLOOR, UNCLEAR), False, "too few rows"),
        (
            "INCONCLUSIVE", (FLOOR, UNCLEAR), True,
            "high enough; too few rows; gate.when_unclear takes the newer model",
        ),
    ],
)  # fmt: skip
def test_reason_is_what_decided(answer, checks, promote, reason):
    assert verdict(answer, *checks, promote=promote).reason == reason


def field(promoted, n=3):
    return tuple(
        Judged(family=f"family {at}", artifact="model", asked=at, verdict="FAIL", promote=at == promoted)
        for at in range(1, n + 1)
    )


@pytest.mark.parametrize(("promoted", "returned"), [(1, 0.006), (2, 0.004), (3, 0.002), (None, 0.0)])
def test_promotion_gives_back_what_those_before_it_did_not_spend(promoted, returned):
    given = verdict("PASS", FLOOR, promote=promoted is not None, candidates=field(promoted), level=LEVEL)

    assert given.returned == pytest.approx(returned)


def test_rule_without_a_level_gives_nothing_back():
    assert verdict("PASS", FLOOR, promote=True, candidates=field(1)).returned == 0


def test_what_is_kept_of_having_asked_is_the_rule_the_level_and_the_rows():
    compared = Check(name="champion", outcome="failed", text="", evidence={"level": 0.002})
    candidates = tuple(one.model_copy(update={"checks": (compared,)}) for one in field(2))
    given = verdict("PASS", FLOOR, promote=True, candidates=candidates, level=LEVEL, rule="superiority")

    assert given.as_asked("digest") == {
        "rule": "superiority",
        "given": 0.006,
        "level": pytest.approx(0.004),
        "promoted": True,
        "rows": "digest",
    }


def test_gate_that_compared_nobody_spends_nothing():
    given = verdict("FAIL", FLOOR, promote=False, candidates=field(None, 1), level=LEVEL, rule="superiority")

    assert given.as_asked("digest")["given"] == 0


@pytest.mark.parametrize(("needed", "more"), [(None, ""), (52, "; 80% for 2 pp needs 52")])
def test_text_says_what_is_seen_and_what_more_would_show(needed, more):
    sees = Sees(
        rule="refresh",
        unit="day",
        n=30,
        n_effective=30.0,
        se=0.006,
        alpha=0.05,
        level=0.05,
        margin=0.01,
        worse=(Seen(by=0.01, probability=0.05), Seen(by=0.03, probability=0.93)),
        better=(),
        detects=0.025,
        needed=needed,
    )

    assert sees.text == (
        f"with these 30 days a model that is worse is refused: 1 pp in 5%, 3 pp in 93%; 80% for 2.5 pp{more}"
    )


@pytest.mark.parametrize(("uses", "says"), [(5, False), (6, True)])
def test_reason_says_when_rows_have_chosen_too_often_to_take_the_newer_model(uses, says):
    unclear = Check(name="champion", outcome="inconclusive", text="cannot be told")
    reason = verdict("INCONCLUSIVE", unclear, promote=False, rule="refresh", uses=uses).reason

    assert ("have chosen 6 times" in reason) == says
    assert reason.startswith("cannot be told")
