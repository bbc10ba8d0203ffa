"""Rows that belong to one person: told by an id that repeats, kept on one side of the split."""

import re
from collections.abc import Mapping, Sequence

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
    "donor|respondent|proband|household|family|mother|player|driver|guest|passenger|borrower|applicant|visitor|"
    "subscriber|policy_?holder|card_?holder|kunde|kunden|nutzer|mitarbeiter|versicherten|personal|matrikel|fall|"
    "cliente|clientes|paciente|paziente|pasajero|usuario|utilisateur|pacjent|klient|klant|animal|mouse|rat|cow|horse|twin"
)
ID_OF_A_BEING = re.compile(
    rf"^(({BEINGS})_?(id|ids|nr|no|num|number|key|code|uuid|guid|nummer|ref|hash|pseudonym)|"
    rf"(id|nr|no|cod|codigo|numero|num)_(de_|du_)?({BEINGS})|mrn|subj_?id|cust_?(id|no|nr)|emp_?(id|no|nr))$"
)
A_BEING = re.compile(rf"^({BEINGS})$")
# Fewer cannot be parted into folds and gate rows. Without the word id, as few may be kinds of customers.
FEWEST, FEWEST_WITHOUT_ID = 10, 30


def mark_groups(drafts: Mapping[str, Draft], *, key: Sequence[str], has_time: bool) -> None:
    """Give the column that names the person of a row, several rows of whom there are, role group.

    Parameters
    ----------
    key : the columns that the user named as the key; one that is the key alone stays that.
    """
    named = [draft for draft in drafts.values() if _names_beings(draft) and tuple(key) != (draft.name,)]
    for draft in named[1:]:
        draft.notes.append(f"repeats, as '{named[0].name}' does, which is the group: at most one column can be")
    for draft in named[:1]:
        _take(draft, has_time=has_time)
    hidden = [d for d in drafts.values() if d.pii == "drop" and d.seen.distinct.n > 1 and _repeats(d)]
    for draft in hidden if not named else ():
        draft.notes.append("its values repeat: role: group and pii: hash keep the rows of one person together")


def _take(draft: Draft, *, has_time: bool) -> None:
    n, rows = draft.seen.distinct.n, draft.seen.present
    if n < FEWEST:
        draft.notes.append(f"{rows:,} rows of {n} of them, too few to part: rows of one will be train and gate rows")
        return
    draft.role = "group"
    parted = "all rows of one lie on one side of the split and in one fold"
    if has_time:
        parted = "the split is by time, so earlier rows of one may be train rows, and the gate counts each as one"
    draft.notes = [f"{rows:,} rows of {n:,} of them: taken as the group; {parted}. It is no feature then"]


def _names_beings(draft: Draft) -> bool:
    """Whether a column says whose rows these are: by its name, in values that repeat, of which there are enough."""
    if draft.role not in ("feature", "key") or draft.guess.type not in ("integer", "category", "text"):
        return False
    words, n = snake(draft.name), draft.seen.distinct.n
    is_id = n > 2 and bool(ID_OF_A_BEING.search(words))
    is_whole = draft.guess.type == "integer"
    return _repeats(draft) and (is_id or (n >= FEWEST_WITHOUT_ID and not is_whole and bool(A_BEING.search(words))))


def _repeats(draft: Draft) -> bool:
    return draft.seen.distinct.repeated_share > 0


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
