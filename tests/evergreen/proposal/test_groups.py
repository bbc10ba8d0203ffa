"""Rows of one person stay together: a repeated id is the group, the folds can part it, and the gate counts groups."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from proposals import as_text, column, frame, proposed

from evergreen.config.objectives import tuning_metric
from evergreen.data.typed.schema import conform, to_pandas
from evergreen.learning import features
from evergreen.learning.features.targets import fit_target
from evergreen.learning.tuning import folds
from evergreen.proposal.propose import Proposal

RNG = np.random.default_rng(3)
WHO = RNG.integers(0, 60, 600)


def typed(rows: pd.DataFrame, proposal: Proposal) -> pd.DataFrame:
    import pyarrow as pa

    batches = as_text(rows).combine_chunks().to_batches()
    return to_pandas(
        pa.Table.from_batches([conform(batch, proposal.contract.columns, zone="UTC") for batch in batches])
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("patient_id", [f"P{n:03d}" for n in WHO]),
        ("Fallnummer", list(WHO)),
        ("id_cliente", list(WHO)),
        ("Personalnummer", [f"{n:05d}" for n in WHO]),
        ("CustomerID", WHO + 17_000),
        ("Subject", [f"s{n}" for n in WHO]),
        ("mrn", WHO * 7),
        ("id_student", WHO),
        ("Kundennummer", WHO),
    ],
)
def test_rows_of_one_person_lie_on_one_side_and_in_one_fold(name: str, values: Any):
    rows = frame(**{name: values})
    proposal = proposed(rows, target="target")
    assert (column(proposal, name).role, proposal.contract.group) == ("group", name)
    assert any("60 of them: taken as the group" in note for note in proposal.notes[name])
    assert "groups)" in proposal.gate[0]
    params, known = proposal.params, typed(rows, proposal)
    train, test = features.split(known, proposal.contract, params.features, seed=params.seed)
    assert set(train[name]).isdisjoint(test[name])
    assert 0.1 < len(test) / len(known) < 0.4
    target, metric = fit_target(train, proposal.contract), tuning_metric(params.tune.metric, proposal.contract)
    cut = folds.cut(
        train, target, proposal.contract, params.features, folds=params.tune.folds, metric=metric, seed=params.seed
    )
    for fit, validate in cut:
        assert set(train[name].iloc[fit]).isdisjoint(train[name].iloc[validate])


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("patient_id", [f"P{n}" for n in range(600)], "key"),  # nobody twice
        ("patient_id", [f"P{n % 4}" for n in range(600)], "feature"),  # too few to part, but said
        ("customer", ["retail", "wholesale", "staff"] * 200, "feature"),  # kinds of them
        ("guest", RNG.integers(0, 60, 600), "feature"),  # a number of them
        ("store_id", [f"S{n}" for n in WHO], "feature"),  # of no person
    ],
)
def test_not_every_id_is_a_group(name: str, values: Any, role: str):
    proposal = proposed(frame(**{name: values}), target="target")
    assert (column(proposal, name).role, proposal.contract.group) == (role, None)
    few = any("too few to part" in note for note in proposal.notes.get(name, ()))
    assert few == (name == "patient_id" and role == "feature")


def test_one_column_is_the_group_and_the_other_is_said_to_repeat_too():
    rows = frame(person_id=WHO, household_id=WHO // 3)
    proposal = proposed(rows, target="target")
    assert proposal.contract.group == "person_id"
    assert any("'person_id'" in note for note in proposal.notes["household_id"])


def test_person_in_a_key_of_two_columns_is_the_group_and_stays_in_the_key():
    rows = frame(patient_id=np.arange(600) // 5, visit=np.arange(600) % 5)
    proposal = proposed(rows, target="target", key=["patient_id", "visit"])
    assert (proposal.contract.group, proposal.contract.key) == ("patient_id", ("patient_id", "visit"))
    assert proposed(rows, target="target", key=["patient_id"]).contract.group is None


def test_folds_are_as_many_as_people_whose_answer_never_changes_allow():
    who = np.repeat(np.arange(12), 50)
    rows = frame(patient_id=who).assign(target=np.where(who < 3, "ill", "well"))
    proposal = proposed(rows, target="target")
    known = typed(rows, proposal)
    params = proposal.params
    train, _ = features.split(known, proposal.contract, params.features, seed=params.seed)
    n_ill = train.loc[train["target"], "patient_id"].nunique()
    assert (params.tune.folds, n_ill) == (2, 2)


def test_with_a_time_the_split_stays_by_time_and_the_gate_counts_people():
    times = pd.date_range("2024-01-01", periods=600, freq="3h").strftime("%Y-%m-%dT%H:%M:%SZ")
    proposal = proposed(frame(at=times, customer_id=WHO), target="target")
    assert (proposal.contract.time, proposal.contract.group) == ("at", "customer_id")
    assert any("split is by time" in note for note in proposal.notes["customer_id"])
    assert "groups)" in proposal.gate[0]


def test_ids_of_people_go_on_beyond_those_that_were_seen():
    assert column(proposed(frame(customer_id=WHO + 50), target="target"), "customer_id").max is None


def test_personal_values_that_repeat_may_be_the_group_as_hashes():
    proposal = proposed(frame(email=[f"u{n}@example.org" for n in WHO]), target="target")
    assert any("role: group and pii: hash" in note for note in proposal.notes["email"])
