"""A name is a suspicion, the values decide; nothing personal is stored, and what is dropped is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proposals import column, frame, proposed

from evergreen.config.contract.contract import Contract
from evergreen.proposal import drafts

RNG = np.random.default_rng(11)
WORDS = ["Ann", "Bob", "Cleo", "Dara", "Emil", "Fay", "Gus", "Hana"]


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("E-Mail", [f"u{n}@example.org" for n in range(600)], "its name"),
        ("email", [f"{n:032x}" for n in range(600)], "its name"),  # hashed at the source: too many for codes
        ("first_name", ["Ann", "Bob"] * 300, "its name"),
        ("patient_name", [f"{WORDS[n % 8]} {WORDS[n % 7]}" for n in range(600)], "its name"),
        ("phoneNumber", range(600), "its name"),
        ("mobile", RNG.integers(15_000_000_000, 17_999_999_999, 600), "a phone number"),
        ("Telephone", [f"0{n % 9}0 / 55{n:04d}" for n in range(600)], "a phone number"),
        ("ssn", RNG.integers(1_000_000, 899_999_999, 600), "an official number"),
        ("iban", [f"DE{n:020d}" for n in range(600)], "an official number"),
        ("street", [f"{n % 90} High Street" for n in range(600)], "an address"),
        ("ip", [f"10.0.{n % 3}.7" for n in range(600)], "an IP address"),
        ("dob", [f"{1 + n % 28:02d}.{1 + n % 12:02d}.{1950 + n % 50}" for n in range(600)], "a day of birth"),
        ("Geburtsdatum", [f"{1 + n % 28:02d}.{1 + n % 12:02d}.{1950 + n % 50}" for n in range(600)], "a day of birth"),
        ("Fecha de nacimiento", [f"{1950 + n % 50}-05-{1 + n % 28:02d}" for n in range(600)], "a day of birth"),
        ("date_naissance", [f"{1950 + n % 50}-05-{1 + n % 28:02d}" for n in range(600)], "a day of birth"),
        ("contact", [f"u{n}@example.org" for n in range(600)], "an e-mail address"),
        ("client", [f"10.0.{n % 250}.7" for n in range(600)], "an IP address"),
        ("name", ["Braund, Mr. Owen Harris", "Ann Smith"] * 300, "a person's name"),
        ("account", ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19"] * 300, "an IBAN"),
    ],
)
def test_proposal_drops_personal_data(name: str, values: Any, why: str):
    proposal = proposed(frame(**{name: list(values)}), target="target")
    assert (column(proposal, name).role, column(proposal, name).pii) == ("ignore", "drop")
    assert any(why in note and "bring it back" in note for note in proposal.notes[name])


@pytest.mark.parametrize(
    ("name", "values"),
    [("name", ["setosa", "virginica"] * 300), ("has_phone", [0, 1] * 300), ("city", ["York"] * 300 + ["Ur"] * 300)],
)
def test_proposal_does_not_take_everything_for_personal(name: str, values: Any):
    assert proposed(frame(**{name: values}), target="target").pii == ()


@pytest.mark.parametrize("typed", [False, True], ids=["csv", "parquet"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mobile_wt", RNG.integers(80, 200, 600)),
        ("own_telephone", ["none", "registered"] * 300),
        ("ip", RNG.normal(3, 1, 600).round(2)),
        ("Street", ["Pave", "Grvl", "Pave"] * 200),
        ("address", ["U", "R"] * 300),
        ("3SsnPorch", RNG.integers(0, 508, 600)),
        ("tel", ["landline", "cell", "none"] * 200),
        ("birthday", RNG.integers(1, 366, 600)),  # of the year
        ("customer_name", ["retail", "wholesale", "staff"] * 200),
        ("iban", [0.0, 1.0, 2.0] * 200),
    ],
)
def test_proposal_keeps_what_only_a_name_says_and_says_so(name: str, values: Any, typed: bool):
    proposal = proposed(frame(**{name: values}), target="target", typed=typed)
    assert (column(proposal, name).role, column(proposal, name).pii) == ("feature", None)
    assert any("named like personal data" in note and "pii: drop" in note for note in proposal.notes[name])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Invoice ID", [f"{100 + n}-{10 + n % 90}-{1000 + n}" for n in range(600)]),
        ("part_no", [f"555-{100 + n % 9}-{1000 + n}" for n in range(600)]),
        ("firmware_version", [f"1.{n % 3}.{n % 7}.{n % 5}" for n in range(600)]),
    ],
)
def test_number_of_a_thing_is_not_personal_though_it_is_written_like_one(name: str, values: Any):
    proposal = proposed(frame(**{name: values}), target="target")
    assert column(proposal, name).pii is None
    assert any("looks like" in note and "pii: drop" in note for note in proposal.notes[name])


def test_texts_without_the_check_digits_of_an_iban_are_no_ibans():
    codes = [f"AB{n % 90 + 10} CDEF {n:04d} GHJK" for n in range(600)]
    assert proposed(frame(code=codes), target="target").pii == ()


def test_one_line_brings_back_what_was_dropped(tmp_path: Path):
    proposal = proposed(frame(town_contact=[f"u{n % 9}@example.org" for n in range(600)]), target="target")
    text = drafts.contract_text(proposal.contract, proposal.notes)
    assert "role: feature and pii: keep" in text
    line = next(line for line in text.splitlines() if "pii: drop" in line)
    again = line.replace("role: ignore", "role: feature").replace("pii: drop", "pii: keep")
    (tmp_path / "contract.yaml").write_text(text.replace(line, again), encoding="utf-8")
    back = next(c for c in Contract.load(tmp_path / "contract.yaml").columns if c.name == "town_contact")
    assert (back.role, back.pii, back.type) == ("feature", "keep", "category")


def test_proposal_hashes_a_personal_key():
    proposal = proposed(frame(email=[f"u{n}@example.org" for n in range(600)]), target="target", key=["email"])
    assert (column(proposal, "email").role, column(proposal, "email").pii) == ("key", "hash")
