"""Personal data is told by its name or by what it looks like, and nothing of it is stored."""

from typing import Any

import pytest
from proposals import column, frame, proposed


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("E-Mail", ["x"] * 600, "its name"),
        ("first_name", ["Ann", "Bob"] * 300, "its name"),
        ("phoneNumber", range(600), "its name"),
        ("contact", [f"u{n}@example.org" for n in range(600)], "an e-mail address"),
        ("client", [f"10.0.{n % 250}.7" for n in range(600)], "an IP address"),
        ("name", ["Braund, Mr. Owen Harris", "Ann Smith"] * 300, "a person's name"),
    ],
)
def test_proposal_drops_personal_data(name: str, values: Any, why: str):
    proposal = proposed(frame(**{name: list(values)}), target="target")
    assert (column(proposal, name).role, column(proposal, name).pii) == ("ignore", "drop")
    assert any(why in note for note in proposal.notes[name])


@pytest.mark.parametrize(
    ("name", "values"),
    [("name", ["setosa", "virginica"] * 300), ("has_phone", [0, 1] * 300), ("city", ["York"] * 300 + ["Ur"] * 300)],
)
def test_proposal_does_not_take_everything_for_personal(name: str, values: Any):
    assert proposed(frame(**{name: values}), target="target").pii == ()


def test_proposal_hashes_a_personal_key():
    proposal = proposed(frame(email=[f"u{n}@example.org" for n in range(600)]), target="target", key=["email"])
    assert (column(proposal, "email").role, column(proposal, "email").pii) == ("key", "hash")
