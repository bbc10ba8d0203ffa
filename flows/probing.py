"""What a training would make of what is known by a look, and what each rung of the repair ladder would gain."""

from datetime import date, timedelta

from evergreen.base.errors import ConfigError, DataError, IntegrityError
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.retrain.ladder import Probed, Window
from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan.steps import arguments
from flows.recorder import Recorder
from tasks.features import features
from tasks.ingest import ingest
from tasks.probe import probe
from tasks.validate import validate

RECENT_DAYS = 30  # to fit on, where no day is known on which something changed


def probe_of(project: Project, champion: VersionFacts, *, known_until: date, harm: Harm, do: Recorder) -> Probed:
    """Return what a repair of the champion would gain, measured on the newest days whose labels are known.

    The steps before are those of a training, which takes them from the record if one follows.

    Parameters
    ----------
    known_until : the day after the last one of which a training may know the labels.
    harm : whether the promise is kept; if not, what came since it was broken counts as recent.
    """
    assert champion.data_end is not None
    wanted = project.params.retrain
    if harm.n_labels < wanted.min_labels:
        return Probed(
            evidence=f"{harm.n_labels} labels since the champion's data ended; {wanted.min_labels} are needed"
        )
    then = project.until(known_until)
    try:
        raw = do(ingest, **arguments("ingest", then.given, {})).raw
        valid = do(validate, **arguments("validate", then.given, {"raw": raw})).valid
        tables = do(features, **arguments("features", then.given, {"valid": valid}))
    except (DataError, ConfigError, IntegrityError) as error:
        return Probed(evidence=f"no training could be made by now: {error}")
    windows, since = history_of(then, harm, known_until)
    found = do(
        probe,
        tables.train,
        test=tables.test,
        valid=valid,
        artifact=champion.artifact,
        threshold=champion.threshold,
        fitted_on=None if champion.as_judged else champion.train,
        data_end=champion.data_end,
        since=since,
        windows=windows,
        searched=tuple(then.params.tune.families),
        promise=harm.promise,
        ws=then.workspace,
        contract=then.contract,
        features=then.params.features,
        evaluated=then.params.evaluate,
        seed=then.params.seed,
    )
    return found.model_copy(update={"broken": harm.verdict == "broken" and not harm.over})


def history_of(project: Project, harm: Harm, known_until: date) -> tuple[tuple[Window, ...], date | None]:
    """Return the histories that a refit is tried on, and the first day of the recent one; None where there is none.

    Recent is what came since a promise was broken. Where none is, it is the last month before the days that judge: what
    rows mean may have changed without harm so far.
    """
    chosen, begins, cut = project.params.retrain.window, project.params.ingest.start, project.params.features
    days = chosen if isinstance(chosen, int) else RECENT_DAYS + (cut.test_days or 0) + cut.embargo_days
    since = known_until - timedelta(days=days)
    if chosen == "auto" and harm.since and harm.verdict == "broken" and not harm.over:
        since = harm.since
    if begins is not None and since <= begins:
        return ("all",), None
    if chosen == "auto":
        return ("all", "recent"), since
    return (("all",), None) if chosen == "all" else (("recent",), since)
