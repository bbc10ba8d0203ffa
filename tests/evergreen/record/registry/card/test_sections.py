"""The parts of a card: what is there is shown, what is not is said to be missing."""

import carded
import pytest

from evergreen.record.registry.card import sections
from evergreen.record.registry.card.document import Facts, Paragraph, Rows
from evergreen.record.registry.card.values import Described, Part


def facts(blocks):
    """Return the facts of a part by what they are called."""
    return {name: cell for block in blocks if isinstance(block, Facts) for name, cell in block.rows}


def tables(blocks):
    return [block for block in blocks if isinstance(block, Rows)]


def paragraphs(blocks):
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def test_what_nobody_has_stated_or_decided_is_said(honest):
    card = honest._replace(proof=honest.proof.model_copy(update={"card": None, "author": None}), entries=()).card
    shown = sections.details(card)
    assert (facts(shown)["owner"], facts(shown)["licence"], facts(shown)["author"]) == (
        "Not stated.", "Not stated.", "unknown",
    )  # fmt: skip
    assert "Nobody has decided about it yet." in paragraphs(shown)
    assert facts(shown)["version before"] is None
    assert "Not stated." in paragraphs(sections.ethics(card))
    assert "Not stated." in paragraphs(sections.limits(card))


def test_every_metric_stands_in_both_tables(honest):
    card = honest.card
    first, beside, gains = tables(sections.metrics(card))
    assert [row[1] for row in first.rows] == [one.value for one in card.evaluation.metrics]
    assert beside.head == ("metric", "model", "baseline", "prior", "logistic", "train")
    assert {row[1].name for row in gains.rows} == {f"gain_{one.metric}_low" for one in card.evaluation.metrics}


def test_metrics_without_intervals_say_so(honest):
    evaluation = honest.card.evaluation
    bare = tuple(one.model_copy(update={"low": None, "high": None, "gain": None}) for one in evaluation.metrics)
    changed = evaluation.model_copy(update={"metrics": bare, "n_clusters": 0, "undefined": ("ece",)})
    shown = sections.metrics(honest.card.model_copy(update={"evaluation": changed}))
    assert len(tables(shown)) == 2
    assert all(row[2] is None for row in tables(shown)[0].rows)
    assert "No interval was drawn. Undefined on these rows: ece." in paragraphs(shown)[0]


def test_numbers_of_a_part_that_are_undefined_leave_their_cells_empty(honest):
    whole, *others = honest.card.evaluation.classes
    numbers = {what: logged for what, logged in whole.numbers.items() if what != "recall"}
    classes = (*others, Part(name="rare", numbers=numbers))
    evaluation = honest.card.evaluation.model_copy(update={"classes": classes})
    (table,) = tables(sections.classes(honest.card.model_copy(update={"evaluation": evaluation})))
    assert table.head == ("class", "logged as", "rows", "precision", "recall", "f1", "roc_auc")
    assert table.rows[-1][4] is None


def test_many_columns_and_parts_are_cut_and_counted(honest):
    card = honest.card
    one = Described(name="c", type="number", role="feature", unit="", description="", personal=None)
    data = card.data.model_copy(update={"columns": (one,) * 203})
    shown = sections.columns(card.model_copy(update={"data": data}))
    assert (len(tables(shown)[0].rows), paragraphs(shown)) == (200, ["And 3 more."])

    slices = card.evaluation.slices[:1] * 101
    evaluation = card.evaluation.model_copy(update={"slices": slices})
    shown = sections.slices(card.model_copy(update={"evaluation": evaluation}))
    assert len(tables(shown)[0].rows) == 100
    assert paragraphs(shown)[0].endswith("And 1 more.")


def test_number_as_a_target_has_no_classes_and_nothing_to_calibrate(folder):
    card = carded.version("regression", folder).card
    assert paragraphs(sections.classes(card)) == ["The target is a number; it has no classes."]
    assert paragraphs(sections.calibration(card)) == ["The target is a number; there is no probability to calibrate."]
    assert card.threshold is None


@pytest.mark.parametrize("is_applied", [True, False])
def test_calibration_says_whether_it_is_part_of_the_model(honest, is_applied):
    made = honest.card.calibration
    assert made is not None
    card = honest.card.model_copy(update={"calibration": made.model_copy(update={"is_applied": is_applied})})
    (said,) = paragraphs(sections.calibration(card))
    assert ("is part of the model" in said) is is_applied
    assert facts(sections.calibration(card))["answered with true from a probability of"] == card.threshold.value
    without = sections.calibration(card.model_copy(update={"calibration": None}))
    assert paragraphs(without) == ["Calibration was not measured."]


def test_what_is_not_committed_is_named(honest):
    changed = honest.card.details.model_copy(update={"changed": ("params.yaml",), "packages": {}})
    shown = sections.origin(honest.card.model_copy(update={"details": changed}))
    assert facts(shown)["not as committed"] == "with changes that are not committed: params.yaml"
    assert tables(shown) == []
    assert facts(sections.origin(honest.card))["not as committed"] is None
