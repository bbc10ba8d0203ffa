"""Contracts and parameters as YAML that a person goes on with."""

from pathlib import Path

from proposals import check_written, frame, proposed


def test_proposal_writes_any_name_and_value_as_yaml(tmp_path: Path):
    hostile = ["a: b", "#x", "line\nbreak", "=cmd()", "</script>", "yes", "é'\"", "{[,]}", "\u2028", "1", " lead"]
    rows = frame(**{name: [hostile[n % len(hostile)] for n in range(600)] for name in hostile if name != "1"})
    check_written(proposed(rows, target="target"), tmp_path)
