"""What a person sees: every number of it, and nothing that a terminal would act on."""

import io
from datetime import UTC, datetime

import pytest
import released
from rich.console import Console

from cli import show
from evergreen.decisions.gate.decision import Check
from evergreen.record.outcomes import StepRun, TrainingOutcome
from evergreen.record.plan.plan import PlannedStep

HOSTILE = "\x1b[31mred [bold]x[/] [/y]"
JUDGED = released.judged("parcels", 3, "d" * 64)


@pytest.fixture
def printed(monkeypatch):
    target = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=target, width=200, force_terminal=False))
    return target


def test_text_is_shown_as_it_is():
    console = Console(file=io.StringIO(), width=200)
    console.print(show.escape(HOSTILE))
    assert console.file.getvalue() == "\\x1b[31mred [bold]x[/] [/y]\n"


def test_plan_says_what_would_run_and_why(printed):
    steps = [
        PlannedStep(name="tune", identity="0123456789abcdef", cached=True, why="recorded"),
        PlannedStep(name="train", identity=None, cached=False, why="its params changed"),
    ]
    show.plan(steps)
    tune, train = [line for line in printed.getvalue().splitlines() if "tune" in line or "train" in line]
    assert "skip" in tune
    assert "0123456789ab " in tune
    assert "run" in train
    assert "its params changed" in train


@pytest.mark.parametrize(("verdict", "says"), [("promoted", "version 3 was promoted"), ("refused", "is unchanged")])
def test_training_shows_its_steps_checks_verdict_and_analysis(printed, verdict, says):
    check = Check(name="floor", outcome="passed", text=HOSTILE)
    about = {**dict(JUDGED), "verdict": verdict, "checks": (check,), "reason": HOSTILE}
    step = StepRun(name="tune", cached=False, seconds=1.26)
    show.training(TrainingOutcome(**about, steps=(step,), analysis=f"not made: {HOSTILE}"))
    text = printed.getvalue()
    assert "\x1b" not in text
    assert says in text
    assert text.count("\\x1b[31mred [bold]x[/] [/y]") == 3
    assert "1.3" in text
    assert f"model {'d' * 12}" in text


def test_version_that_waits_says_until_when_and_how_to_answer(printed):
    about = {**dict(JUDGED), "verdict": "proposed", "waits_until": datetime(2026, 5, 4, 12, tzinfo=UTC)}
    show.judged(TrainingOutcome(**about, steps=()))
    show.judged(JUDGED.model_copy(update={"verdict": "proposed"}))
    text = " ".join(printed.getvalue().split())
    assert "parcels version 3 waits for a person until 2026-05-04 12:00 UTC; the champion is unchanged" in text
    assert "parcels version 3 waits for a person; the champion is unchanged" in text
    assert "evergreen approve 3 --by NAME --reason" in text


def test_numbers_of_a_summary_have_four_digits(printed):
    show.summary("Title", {"auc": 0.123456, "rows": 7, HOSTILE: "v"})
    text = printed.getvalue()
    assert "0.1235" in text
    assert "7" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(("version", "warned"), [(3, True), (None, False)])
def test_promotion_on_few_rows_is_shown_with_a_warning_and_a_refusal_without(printed, version, warned):
    seen = {"metric": "r2", "ours": 0.4, "gain": 0.4, "se": 0.1, "n": 8, "rows": 8, "unit": "row"}
    check = Check(name="prior", code="GT002", outcome="passed", text="", evidence=seen)
    verdict = "promoted" if version else "refused"
    outcome = JUDGED.model_copy(update={"checks": (check,), "version": version, "verdict": verdict})
    show.judged(outcome)
    assert ("Warning: the gate had 8 rows: so few" in " ".join(printed.getvalue().split())) == warned
    assert bool(outcome.doubts) == warned
