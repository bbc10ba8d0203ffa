"""Rows that belong to one person: told by an id that repeats, kept on one side of the split."""

import re
from collections.abc import Mapping

import pandas as pd

from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import tuning_metric
from evergreen.config.params.params import Params
from evergreen.learning import features
from evergreen.learning.features.targets import fit_target
from evergreen.learning.tuning import folds
from evergreen.proposal.inference import snake
from evergreen.proposal.roles import Draft

BEINGS = (
    "patient|patients|patienten|subject|participant|person|customer|client|user|member|student|pupil|employee|worker|"
    "donor|respondent|proband|household|family|mother|child|player|driver|guest|passenger|borrower|applicant|visitor|"
    "subscriber|policy_?holder|card_?holder|kunde|kunden|nutzer|mitarbeiter|animal|mouse|rat|cow|horse|twin"
)
OF_A_BEING = re.compile(
    rf"^(({BEINGS})_?(id|ids|nr|no|num|number|key|code|uuid|guid|nummer|ref|hash|pseudonym)|({BEINGS})|"
    rf"(id|nr|no)_({BEINGS})|mrn|pid|subj_?id|cust_?(id|no|nr)|emp_?(id|no|nr))$"
)
# Fewer cannot be parted into folds and gate rows.
FEWEST = 10


def mark_groups(drafts: Mapping[str, Draft], *, has_time: bool) -> None:
    """Give the column that names the person of a row, several rows of whom there are, role group."""
    named = [d for d in drafts.values() if OF_A_BEING.search(snake(d.name)) and d.role in ("feature", "key")]
    repeated = [draft for draft in named if draft.seen.distinct.repeated_share > 0 and _names(draft)]
    for draft in repeated[1:]:
        draft.notes.append(f"repeats, as '{repeated[0].name}' does, which is the group: at most one column can be")
    for draft in repeated[:1]:
        n, rows = draft.seen.distinct.n, draft.seen.present
        if n < FEWEST:
            draft.notes.append(
                f"{rows:,} rows of {n} of them: rows of one will be train and gate rows, too few to part"
            )
            continue
        draft.role = "group"
        parted = (
            "the split is by time, so earlier rows of one may be train rows"
            if has_time
            else "all rows of one lie on one side of the split and in one fold"
        )
        draft.notes = [
            f"{rows:,} rows of {n:,} of them: taken as the group. {parted}; not a feature (role: feature makes it one)"
        ]


def _names(draft: Draft) -> bool:
    """Whether the values can name somebody: texts and whole numbers do, of which there are more than two."""
    return draft.guess.type in ("integer", "category", "text") and draft.seen.distinct.n > 2


def folds_that_part(params: Params, contract: Contract, rows: pd.DataFrame) -> Params:
    """Return the parameters with the most folds, up to what they say, into which the train rows' groups can be parted.

    Parameters
    ----------
    rows : typed, with a target.
    """
    if contract.group is None or contract.time is not None:
        return params
    try:
        train, _ = features.split(rows, contract, params.features, seed=params.seed)
    except DataError:
        return params
    for n in range(params.tune.folds, 1, -1):
        try:
            folds.cut(
                train,
                fit_target(train, contract),
                contract,
                params.features,
                folds=n,
                metric=tuning_metric(params.tune.metric, contract),
                seed=params.seed,
            )
        except DataError:
            continue
        return params.model_copy(update={"tune": params.tune.model_copy(update={"folds": n})})
    return params
