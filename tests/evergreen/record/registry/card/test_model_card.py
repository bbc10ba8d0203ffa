"""The model card reads as people expect one, its summary fits a description, and all of its numbers are logged ones."""

import card_numbers
import carded
import pytest

from evergreen.record.registry.card import markdown
from evergreen.record.registry.card.document import Heading
from evergreen.record.registry.card.model_card import files, model_card, summary


def test_card_has_the_parts_that_a_reader_asks_for(honest):
    titles = [block.text for block in model_card(honest.card).blocks if isinstance(block, Heading) and block.level == 2]
    assert titles == [
        "Details", "Intended use", "Metrics", "Classes", "Slices", "The gate", "Calibration and threshold", "Data",
        "Preprocessing", "Splits", "Columns", "Limits", "Ethics, protected and personal columns", "Make it again",
        "Go back to it",
    ]  # fmt: skip


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression"])
def test_every_number_of_the_card_is_the_logged_one(which, folder):
    version = carded.version(which, folder)
    shown = card_numbers.numbers(markdown.render(model_card(version.card)))
    unshown = ("train_test_gap", "tune_", "onnx_", "step.")
    assert shown.keys() == {name for name in version.metrics if not name.startswith(unshown)}
    assert [name for name in shown if not card_numbers.is_shown_of(shown[name], version.metrics[name])] == []


def test_reader_of_the_test_finds_a_number_that_is_not_the_logged_one(honest):
    other = honest._replace(metrics={**honest.metrics, "class.1.recall": honest.metrics["class.1.recall"] - 2e-4})
    shown = card_numbers.numbers(markdown.render(model_card(other.card)))
    off = [name for name in shown if not card_numbers.is_shown_of(shown[name], honest.metrics[name])]
    assert off == ["class.1.recall"]


def test_summary_says_the_metric_with_its_interval_the_gate_and_the_purpose(honest):
    description, metric, gate, use, whole = summary(honest.card).splitlines()
    low, high = honest.proof.candidate.report.intervals["roc_auc"]
    assert description == "- scikit-learn's tumours"
    assert metric.startswith(f"- roc\\_auc {honest.metrics['roc_auc']:.4f} ({low:.4f} to {high:.4f}) on 173 rows")
    assert gate.startswith("- The gate: PASS, roc\\_auc")
    assert use == "- Intended use: to order what is looked at first"
    assert whole == "- The whole card: evergreen card 3"


def test_summary_of_long_texts_stays_short(honest):
    said = carded.SAID.model_copy(update={"intended_use": ("word " * 500,)})
    written = summary(honest._replace(proof=honest.proof.model_copy(update={"card": said})).card)
    assert len(written) < 2_000
    without = honest._replace(proof=honest.proof.model_copy(update={"card": None}), metrics={}).card
    assert "Intended use: not stated" in summary(without)
    assert len(summary(without).splitlines()) == 4


def test_files_are_the_card_in_both_forms(honest):
    made = files(honest.card)
    assert made.keys() == {"card/card.md", "card/card.html"}
    assert made["card/card.md"].decode() == markdown.render(model_card(honest.card))
    assert made["card/card.html"].startswith(b"<!DOCTYPE html>")
