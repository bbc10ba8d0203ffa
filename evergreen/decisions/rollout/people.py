"""What people decided about the rows of a shadow, beside what both versions said of them, and what came true."""

import numpy as np
import numpy.typing as npt

from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.decisions.rollout.answers import Array
from evergreen.decisions.rollout.difference import Difference, paired
from evergreen.learning.evaluation.clusters import Clusters

Texts = npt.NDArray[np.object_]
YES = frozenset({"positive", "true", "yes", "1"})
NO = frozenset({"negative", "false", "no", "0"})


class People(Value):
    """How people's decisions lie beside the answers of a shadow.

    `n`: rows that somebody decided; `unread`: those of them whose decision names no class. `agree`, `agree_before`: the
    share of the rest in which the new version, and the champion, say the same. `n_labelled`: of those, with a label;
    `wrong`, `wrong_new`, `wrong_before`: the share in which people, the new version and the champion were wrong there,
    None without any. `difference`: the new version's less the people's.
    """

    n: int
    unread: int
    agree: float | None
    agree_before: float | None
    n_labelled: int
    wrong: float | None
    wrong_new: float | None
    wrong_before: float | None
    difference: Difference | None


def read(decisions: Texts, task: Task, classes: tuple[str, ...] = ()) -> Texts:
    """Return decisions as classes, None where one names none.

    Of a binary task true is `positive`, `true`, `yes` or `1`, and false `negative`, `false`, `no` or `0`.

    Examples
    --------
    >>> read(np.array(["positive", "No", "later", None], dtype=object), "binary").tolist()
    [True, False, None, None]
    """
    named: dict[str, object] = {name.casefold(): name for name in classes}
    if task == "binary":
        named = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
    found = [None if text is None else named.get(str(text).strip().casefold()) for text in decisions]
    return np.array(found, dtype=object)


def beside(
    decided: Texts, n: int, said: tuple[Texts, Texts], truth: Texts, *, unit: Clusters, block: Clusters, alpha: float
) -> People | None:
    """Return how decisions lie beside answers; None where nobody decided anything.

    Parameters
    ----------
    decided : as `read` gives them; n : how many were decided at all.
    said : what the new version and the champion said of the same rows, None where one said nothing.
    truth : None until a label is due and known.
    """
    if not n:
        return None
    new, old = said
    there = np.array([one is not None and other is not None for one, other in zip(decided, new, strict=True)], bool)
    known = there & np.array([one is not None for one in truth], bool)
    wrong, wrong_new = (decided[known] != truth[known]), (new[known] != truth[known])
    losses = wrong_new.astype(np.float64) - wrong.astype(np.float64)
    n_labelled = int(known.sum())
    return People(
        n=n,
        unread=n - sum(one is not None for one in decided),
        agree=_share(decided[there] == new[there]),
        agree_before=_share(decided[there] == old[there]),
        n_labelled=n_labelled,
        wrong=_share(wrong),
        wrong_new=_share(wrong_new),
        wrong_before=_share(old[known] != truth[known]),
        difference=paired(losses, unit.of(known), block.of(known), alpha=alpha, planned=max(n_labelled, 1)),
    )


def _share(happened: npt.NDArray[np.bool_]) -> float | None:
    values: Array = happened.astype(np.float64)
    return float(values.mean()) if len(values) else None
