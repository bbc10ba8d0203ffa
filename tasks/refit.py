"""Step: a candidate that passed the gate -> the same, fitted on the gate rows too."""

import logging

import pandas as pd
from prefect import task

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import digest_of
from evergreen.learning.model import model as models
from evergreen.learning.tuning.calibration import Calibration, calibrated
from evergreen.learning.tuning.recipe import Recipe
from evergreen.record.candidate import Candidate
from tasks.engine import RETRIED

log = logging.getLogger(__name__)


@task(name="refit", timeout_seconds=7200, **RETRIED)
def refit(candidate: Candidate, *, ws: Workspace) -> FolderRef:
    """Fit a candidate's family, parameters and calibration on all rows, those included that judged it.

    The sibling has seen what the newest days are like; nobody has measured it. Its manifest names the model that was
    judged, as `refit_of`.
    """
    from evergreen.adapters.onnx_export.compiling import compiled

    judged = models.load(ws.path(candidate.model.uri), candidate.model.sha256)
    made, contract = {name: fact for name, fact in judged.manifest.items() if name != "files"}, judged.contract
    rows = pd.concat([ws.read(candidate.train), ws.read(candidate.test)], ignore_index=True)
    recipe = Recipe(contract, judged.features, made["family"], made["params"], made["seed"], made["shrinkage"])
    curve = made["calibration"] and Calibration.model_validate(made["calibration"])
    pipeline = calibrated(recipe.fit(rows), curve)
    served = compiled(
        pipeline, rows, contract=contract, features=judged.features, lookups=judged.lookups, seed=made["seed"]
    )
    sibling = models.save(
        ws,
        "refit",
        pipeline,
        contract=contract,
        features=judged.features,
        about={
            **made,
            "data": digest_of([candidate.train.sha256, candidate.test.sha256]),
            "rows": len(rows),
            "refit_of": candidate.model.sha256,
            "compiled": served.about,
        },
        lookups=judged.lookups,
        compiled=served.files,
    )
    log.info("refit: %s on %d rows, digest %s", made["family"], len(rows), sibling.sha256[:12])
    return sibling
