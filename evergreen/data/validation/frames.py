"""Rows of a table in memory, of any dtypes, judged by the rules on single values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import conform, from_pandas, to_pandas
from evergreen.data.validation.results import Validation
from evergreen.data.validation.rules import column_rules
from evergreen.data.validation.stream import Pass


@dataclass(frozen=True)
class Checked:
    """Rows after the check, under the index 0 to n-1 of the rows that came.

    `kept`: typed, those that break no rule whose severity is fail. `codes`: for every row the codes of those rules that
    it breaks, separated by spaces.
    """

    kept: pd.DataFrame
    codes: pd.Series
    validation: Validation


def check(rows: pd.DataFrame, columns: Sequence[Column], *, zone: str = "UTC") -> Checked:
    """Apply the rules of `columns`, all of which `rows` has, to every row, whatever dtypes its values come in.

    Types come first (DQ002): the other rules look at the rows whose values are all of the declared types. A time
    without an offset from UTC is wall time in `zone`.
    """
    judging = Pass(columns, column_rules(columns))
    judged = judging.take("", conform(from_pandas(rows, columns), columns, zone=zone))
    codes = np.full(len(rows), "", dtype=object)
    for place, spelled in judged.codes.items():
        codes[place] = spelled
    kept = to_pandas(judged.kept)
    kept.index = pd.Index(np.flatnonzero(codes == ""))
    return Checked(kept=kept, codes=pd.Series(codes, dtype="str"), validation=judging.validation(judging.results()))
