"""`evergreen hold`: a version, a candidate or a dataset stays, by whatever name there is only one of."""

import pytest

from cli import holding, recall
from evergreen.base.errors import ConfigError
from evergreen.record.outcomes import champion_facts


def test_hold_takes_a_version_and_a_dataset_and_refuses_what_nobody_knows(visited):
    facts = champion_facts(visited.ledger(), visited.name)
    assert holding.hold(visited, "1", by="ann", reason="r")["digests"][0] == facts.judged.model_digest
    dataset = recall.line_of(visited, "1").version.datasets[0]
    assert holding.hold(visited, dataset[:8], by="ann", reason="r")["digests"] == [dataset]
    for asked in ("9", "0" * 12, "ab"):
        with pytest.raises(ConfigError) as caught:
            holding.hold(visited, asked, by="ann", reason="r")
        assert caught.value.code == "STA006"
