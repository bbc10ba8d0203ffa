"""The section `drift`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.section import Section


class DriftParams(Section):
    """When a window counts as drifted from the champion's training table.

    `alpha`: family-wise error over all columns (Holm). `min_psi`: least population stability index that matters,
    in nats. `bins`: quantile bins, cut on the reference. `min_rows`: below this the verdict is "unknown".
    `min_columns`: this many drifted columns make the table drift.
    """

    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    min_psi: Annotated[float, Field(ge=0)]
    bins: Annotated[int, Field(ge=2)]
    min_rows: Annotated[int, Field(ge=1)]
    min_columns: Annotated[int, Field(ge=1)]
