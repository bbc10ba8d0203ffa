"""Contracts and parameters as YAML that a person goes on with."""

from pathlib import Path

from proposals import check_written, column, frame, proposed

from evergreen.proposal.drafts import contract_text


def test_proposal_writes_any_name_and_value_as_yaml(tmp_path: Path):
    hostile = ["a: b", "#x", "line\nbreak", "=cmd()", "</script>", "yes", "é'\"", "{[,]}", "\u2028", "1", " lead"]
    rows = frame(**{name: [hostile[n % len(hostile)] for n in range(600)] for name in hostile if name != "1"})
    check_written(proposed(rows, target="target"), tmp_path)


def test_a_spelling_that_differs_by_the_minus_alone_is_written_and_read(tmp_path: Path):
    proposal = proposed(frame(saldo=[f"\u2212{n / 7:.2f}" for n in range(600)]), target="target")
    assert column(proposal, "saldo").type == "number"
    assert "spelling: {decimal: .}" in contract_text(proposal.contract, proposal.notes)
    check_written(proposal, tmp_path)
