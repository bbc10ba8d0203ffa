"""A look as a person reads it: every signal, what is behind it, and nothing that a terminal would act on."""

import io
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from rich.console import Console

from cli import show_look
from evergreen.decisions.retrain.decision import Decision

SIGNALS = {"faults": "none", "skew": "not enough data", "labels": "complete", "harm": "kept", "performance": "measured",
           "estimated": "estimated"}  # fmt: skip


def decided(summary: str, **changed) -> Decision:
    given = {"retrain": False, "unknown": False, "triggers": (), "reasons": (), "summary": summary}
    return Decision.model_validate({**given, **changed})


def look_of(**changed):
    given = {
        name: SimpleNamespace(verdict=verdict, evidence=f"{name} [told]", columns=())
        for name, verdict in SIGNALS.items()
    }
    given |= {
        "shift": SimpleNamespace(verdict="steady", evidence="all as before", columns=()), "source": "source",
        "audit": None, "automatic": None,
        "model": "visits", "version": 3, "start": date(2024, 3, 1), "end": date(2024, 4, 1), "rows": 12_345,
        "as_of": datetime(2024, 4, 2, 6, 30, tzinfo=UTC), "quarantined": 5, "seen_until": None, "causes": (),
        "pages": (), "decision": decided("do not retrain"), "report": None,
    }  # fmt: skip
    return SimpleNamespace(**{**given, **changed})


@pytest.fixture
def shown(monkeypatch):
    def shown(look) -> str:
        text = io.StringIO()
        monkeypatch.setattr(show_look, "console", Console(file=text, width=200))
        show_look.look(look)
        return text.getvalue()

    return shown


def column(name, verdict="shifted"):
    return SimpleNamespace(name=name, verdict=verdict, evidence=f"{name} moved")


def test_each_signal_is_shown_with_its_verdict_and_evidence(shown):
    text = shown(look_of())
    lines = {line.split()[0]: line for line in text.splitlines() if line.split()}
    for name, verdict in SIGNALS.items():
        assert verdict in lines[name]
        assert f"{name} [told]" in lines[name]
    assert "all as before" in lines["shift"]
    assert "version 3, 2024-03-01 to 2024-04-01, as of 2024-04-02 06:30 UTC: 12,345 rows at the source" in text
    assert "5 quarantined" in text
    assert "Decision: do not retrain" in text
    assert not {"Page", "Named", "Report:", "seen"} & {*text.split()}


def test_what_was_served_seen_named_and_paged_is_said(shown):
    causes = (SimpleNamespace(name="concept drift", evidence="a fresh model does better"),)
    text = shown(
        look_of(
            source="served",
            seen_until="2024-03-09",
            causes=causes,
            pages=("harm: since Monday",),
            report="/r/drift.html",
        )
    )
    assert "12,345 rows served" in text
    assert "The champion has seen the rows before 2024-03-09" in text
    assert "Named: concept drift: a fresh model does better" in text
    assert "Page: harm: since Monday" in text
    assert "Report: /r/drift.html" in text


def test_columns_stand_broken_first_then_shifted_and_many_are_counted(shown):
    fault = SimpleNamespace(column="pages", kind="constant", evidence="one value")
    moved = [
        column("pages"),
        column("still", "steady"),
        *(column(f"c{i:02d}") for i in range(show_look.MOST_COLUMNS + 2)),
    ]
    text = shown(
        look_of(
            faults=SimpleNamespace(verdict="fault", evidence="", columns=(fault,)),
            shift=SimpleNamespace(verdict="shifted", evidence="", columns=moved),
        )
    )
    assert text.index("one value") < text.index("c00 moved") < text.index(f"c{show_look.MOST_COLUMNS - 1:02d} moved")
    assert "pages moved" not in text
    assert "still" not in text
    assert f"c{show_look.MOST_COLUMNS:02d} moved" not in text
    assert "and 2 more: --json" in text


@pytest.mark.parametrize("name", ["[red]x[/red]", "[link=http://evil.example]x", "[/]"])
def test_names_of_columns_are_shown_as_they_are(shown, name):
    text = shown(look_of(shift=SimpleNamespace(verdict="shifted", evidence="", columns=(column(name),))))
    assert f"{name} moved" in text


def test_audit_is_shown_where_there_is_one(shown):
    audit = SimpleNamespace(verdict="measured", evidence="loss 0.2 [0.1, 0.3]")
    assert "loss 0.2 [0.1, 0.3]" in shown(look_of(audit=audit))


def test_promise_of_automatic_answers_is_shown_where_there_is_one(shown):
    broken = SimpleNamespace(verdict="broken", evidence="wrong in 5 % since Monday, 2 % were promised")
    assert "wrong in 5 % since Monday" in shown(look_of(automatic=broken))
    assert "automatic" not in shown(look_of())
    assert "loss 0.2" not in shown(look_of())


def test_decision_is_shown_with_its_policy_what_decided_and_what_would_have_changed_it(shown):
    text = shown(
        look_of(
            decision=decided(
                "held back by cooldown, 20 days left: harm",
                policy="any(harm,probe)",
                decided_by="harm",
                would_change=("cooldown: a window that ends [20 days] later",),
            )
        )
    )
    assert "Decision: held back by cooldown, 20 days left: harm" in text
    assert "Policy any(harm,probe): decided by harm. What would have changed it:" in text
    assert "  cooldown: a window that ends [20 days] later" in text


def test_decision_by_which_nothing_fired_says_so_and_an_old_one_names_no_policy(shown):
    assert "Policy never: it did not fire" in shown(look_of(decision=decided("do not retrain", policy="never")))
    assert "Policy" not in shown(look_of())
