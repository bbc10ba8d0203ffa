"""The promote step: the facts of a version become the ledger's, unless somebody was faster."""

import pytest
import released

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.errors import LostRace
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts, champion_facts
from tasks.promote import promote


def facts(version):
    return VersionFacts(
        version=version, judged=released.judged("parcels", version, "d" * 64), candidate="c",
        artifact=FolderRef(uri="model", sha256="e"), train=TableRef(uri="t", rows=1, schema_hash="s", sha256="f"),
        data_end=None, threshold=0.5, run_id="run", bento="bento",
    )  # fmt: skip


def test_version_becomes_champion_of_its_model_with_its_facts(tmp_path):
    settings = Settings(home=tmp_path)
    found = promote.fn(facts(3), expected_epoch=0, settings=settings)
    assert (found.model, found.version, found.epoch) == ("parcels", 3, 1)
    ledger = Ledger.open(settings)
    assert champion_facts(ledger, "parcels") == facts(3)
    assert ledger.verify() == 1


def test_version_that_was_judged_against_an_older_champion_is_refused(tmp_path):
    settings = Settings(home=tmp_path)
    promote.fn(facts(3), expected_epoch=0, settings=settings)
    with pytest.raises(LostRace):
        promote.fn(facts(4), expected_epoch=0, settings=settings)
    assert champion_facts(Ledger.open(settings), "parcels") == facts(3)
    assert promote.fn(facts(4), expected_epoch=1, settings=settings).epoch == 2


def test_gate_is_named_as_who_promoted_and_a_lease_of_another_epoch_is_refused(tmp_path):
    settings = Settings(home=tmp_path)
    ledger = Ledger.open(settings)
    with ledger.lease("training:parcels") as epoch:
        with pytest.raises(LostRace, match="taken over"):
            promote.fn(facts(3), expected_epoch=0, settings=settings, fence=("training:parcels", epoch + 1))
        promote.fn(facts(3), expected_epoch=0, settings=settings, fence=("training:parcels", epoch))
    (entry,) = ledger.entries("parcels", "promotion")
    assert (entry.payload["by"], entry.payload["reason"]) == ("gate", "")
