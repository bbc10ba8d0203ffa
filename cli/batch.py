"""`evergreen score`: a file in, the same rows with predictions out."""

import io
from pathlib import Path
from typing import Any

from evergreen.adapters import packaging
from evergreen.base.errors import ConfigError
from evergreen.base.files import write_bytes
from evergreen.data.ingest import frames
from evergreen.learning.model import model, scoring
from evergreen.project import Project


def score(project: Project, source: Path, target: Path) -> dict[str, Any]:
    """Score a file and return what was done; the file appears whole or not at all.

    Raises
    ------
    IntegrityError if the champion's model, or the package that serves it, is not what was registered.
    """
    if target.suffix not in (".csv", ".parquet"):
        raise ConfigError(
            "CFG016",
            f"cannot write '{target.suffix}' files",
            where=str(target),
            next_step="Name a .csv or a .parquet file.",
        )
    champion = project.champion()
    packaging.require_unchanged(champion, project.settings)
    loaded = model.load(project.workspace.path(champion.artifact.uri), champion.artifact.sha256)
    rows = frames.read(source, loaded.contract)
    scored = scoring.score_file(rows, loaded, version=champion.version, threshold=champion.threshold)
    content = io.BytesIO()
    if target.suffix == ".csv":
        scored.to_csv(content, index=False)
    else:
        scored.to_parquet(content, index=False)
    write_bytes(target, content.getvalue())
    refused = int(scored["prediction_id"].isna().sum())
    return {
        "model": project.name,
        "version": champion.version,
        "rows": len(scored),
        "scored": len(scored) - refused,
        "refused": refused,
        "output": str(target),
    }
