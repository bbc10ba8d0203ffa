"""A contract looked at again."""

from proposals import NOW, as_text, frame, proposed

from evergreen.proposal.profile import profile
from evergreen.proposal.revision import compare, revise


def test_revision_keeps_what_people_decided_and_renews_what_the_data_breaks():
    old = proposed(frame(group=["a", "b", "c"] * 200, gone=range(600)), target="target").contract
    columns = tuple(
        c.model_copy(update={"unit": "kg", "min": 0.0, "max": 12.0, "description": "weight"}) if c.name == "x" else c
        for c in old.columns
    )
    declared = old.model_copy(update={"columns": columns})
    rows = frame(group=["a", "b", "d"] * 200, fresh=["u", "v"] * 300)
    revision = revise(declared, profile(as_text(rows).to_batches()), now=NOW, is_typed=False)
    difference = compare(declared, revision.contract)
    assert (difference.added, difference.dropped) == (("fresh",), ("gone",))
    x = next(c for c in revision.contract.columns if c.name == "x")
    assert (x.unit, x.description, x.min) == ("kg", "weight", 0.0)
    assert x.max is not None
    assert x.max > rows["x"].max()
    assert difference.changed["group"] == {"categories": (["a", "b", "c"], ["a", "b", "c", "d"])}
    assert revision.notes["x"] == ("from the data: max",)
    assert not compare(declared, declared).changed


def test_revision_of_the_same_data_changes_nothing():
    rows = frame(group=["a", "b", "c"] * 200)
    contract = proposed(rows, target="target").contract
    revision = revise(contract, profile(as_text(rows).to_batches()), now=NOW, is_typed=False)
    assert compare(contract, revision.contract).is_empty


def test_revision_does_not_part_rows_anew_by_a_person_that_is_new_in_the_data():
    patients = [f"P{n % 60}" for n in range(600)]
    for before in (frame(), frame(subject_id=patients)):
        contract = proposed(before, target="target").contract
        rows = before.assign(patient_id=patients)
        revision = revise(contract, profile(as_text(rows).to_batches()), now=NOW, is_typed=False)
        assert revision.contract.group == contract.group
        added = {c.name: c.role for c in revision.contract.columns}
        assert added["patient_id"] in ("ignore", "feature")
        assert compare(contract, revision.contract).added == ("patient_id",)
    plain = proposed(frame(), target="target").contract
    rows = frame(patient_id=patients)
    revision = revise(plain, profile(as_text(rows).to_batches()), now=NOW, is_typed=False)
    assert any("would part rows anew" in note for note in revision.notes["patient_id"])
