"""Step: an analysis -> its figures and numbers beside the candidate's run, in every tracker that is wanted."""

import logging

from prefect import task

from evergreen.config.settings import Settings
from evergreen.learning.analysis import figures
from evergreen.learning.analysis.values import Analysis
from tasks import trackers
from tasks.engine import RETRIED

log = logging.getLogger(__name__)


@task(name="attach", timeout_seconds=600, **RETRIED)
def attach(analysis: Analysis, *, model: str, candidate: str, settings: Settings) -> None:
    """Draw an analysis and add it to the run of a candidate; a second time changes nothing."""
    charts = figures.charts(analysis)
    files = {
        "analysis.json": analysis.model_dump_json(indent=1).encode(),
        "figures/figures.html": figures.page(charts, title=f"{model}: candidate {candidate[:8]}"),
        **{f"figures/{path}": picture for path, picture in figures.pictures(charts).items()},
    }
    wanted = trackers.wanted(settings)
    for tracker in wanted.values():
        tracker.attach(files, experiment=model, candidate=candidate)
    log.info("attach: %d figures in %s", len(charts), ", ".join(wanted))
