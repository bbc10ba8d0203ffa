"""The mirror step: the registry's alias follows the ledger's champion."""

from evergreen.adapters import tracking
from evergreen.config.settings import Settings
from tasks.mirror import mirror


def test_alias_of_the_configured_registry_is_pointed_at_the_version(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(tracking, "mirror_champion", lambda *given: asked.append(given))
    settings = Settings(home=tmp_path)
    mirror.fn("parcels", version=3, settings=settings)
    mirror.fn("parcels", version=4, settings=settings.model_copy(update={"mlflow_tracking_uri": "http://elsewhere"}))
    assert asked == [(f"sqlite:///{tmp_path}/mlflow/mlflow.db", "parcels", 3), ("http://elsewhere", "parcels", 4)]
