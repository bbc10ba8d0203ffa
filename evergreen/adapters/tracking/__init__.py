"""MLflow: a training becomes a run, a candidate that passed a registered version, and its registry shows the ledger."""

from evergreen.adapters.tracking.projecting import Change, Look, look, reconcile
from evergreen.adapters.tracking.registering import register
from evergreen.adapters.tracking.runs import MlflowTracker, fetch, left_open
from evergreen.adapters.tracking.store import client

__all__ = ["Change", "Look", "MlflowTracker", "client", "fetch", "left_open", "look", "reconcile", "register"]
