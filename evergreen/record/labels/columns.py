"""What labels are read as, whether a service is sent them or a file holds them."""

from evergreen.config.contract.columns import Column, loose
from evergreen.config.contract.contract import Contract

ID = "^[0-9a-f]{32}$"
LONGEST = 200  # characters of a decision, and of who says it
AT = Column(name="at", type="timestamp", role="ignore")


def label_column(contract: Contract) -> Column:
    """Return the column that labels are read as: the target, which must be there."""
    target = contract.with_role("target")[0]
    severity = {code: said for code, said in target.severity.items() if code != "DQ003"}
    return target.model_copy(update={"nullable": False, "max_null_share": None, "severity": severity})


def key_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the columns that keys are read as: by their types alone, and none of them may be missing."""
    columns = {column.name: column for column in contract.columns}
    return tuple(loose(columns[name]).model_copy(update={"nullable": False}) for name in contract.key)
