"""A team's own code by dotted path: feature functions and estimators, whose place is the package `evergreen.own`."""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen import own
from evergreen.base.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FeatureFunction:
    """A row-wise function of a table, and the columns that it returns."""

    function: "Callable[[pd.DataFrame], pd.DataFrame]"
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]

    def __call__(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        return self.function(rows)


def feature(
    *, numeric: tuple[str, ...] = (), categorical: tuple[str, ...] = ()
) -> "Callable[[Callable[[pd.DataFrame], pd.DataFrame]], FeatureFunction]":
    """Declare which columns a function returns, so that they are known before it is called.

    The function is given the time and feature columns: numbers, integers and truth values as float64, text as str,
    times in the contract's time zone. It returns a table with the same index and exactly the declared columns, each
    row's values from that row alone.

    Examples
    --------
    >>> import pandas as pd
    >>> @feature(numeric=("area",))
    ... def area(rows):
    ...     return pd.DataFrame({"area": rows["width"] * rows["height"]})
    >>> area(pd.DataFrame({"width": [2.0], "height": [3.0]}))["area"].tolist(), area.numeric
    ([6.0], ('area',))
    """
    if str in map(type, (numeric, categorical)):  # ("area") is no tuple
        raise TypeError("numeric and categorical are tuples of names, such as ('area',)")
    return lambda function: FeatureFunction(function, numeric, categorical)


def is_known(module: str) -> bool:
    """Whether importing a module, which a file names, runs nothing but a team's own code: it lies in `evergreen.own`.

    One that is imported already runs nothing again.
    """
    parts = module.split(".")
    if module in sys.modules:
        return True
    path = Path(own.__path__[0], *parts[2:])
    return (
        parts[:2] == own.__name__.split(".")
        and all(part.isidentifier() for part in parts)
        and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())
    )


def load(path: str, where: str) -> Any:
    """Return what a dotted path such as ``evergreen.own.flights.haul`` names: a function or a class.

    Raises
    ------
    ConfigError if there is no such module, it cannot be imported, or it has nothing callable of that name.
    """
    module, _, name = path.rpartition(".")
    try:
        imported = importlib.import_module(module)
    except Exception as error:  # whatever the module does when it is imported
        raise _unusable(path, f"cannot import '{module}': {type(error).__name__}: {error}", where) from error
    if not hasattr(imported, name):
        raise _unusable(path, f"module '{module}' has no '{name}'", where)
    found = getattr(imported, name)
    if not callable(found):
        raise _unusable(path, f"'{path}' is a {type(found).__name__}, which cannot be called", where)
    return found


def load_function(path: str) -> FeatureFunction:
    """Return the feature function of a dotted path; raises ConfigError if it does not declare its columns."""
    found = load(path, "features.functions")
    if not isinstance(found, FeatureFunction):
        what = f"'{path}' does not declare the columns that it returns"
        raise _unusable(path, what, "features.functions", "Write @own_code.feature(numeric=(...)) above the function.")
    return found


def _unusable(path: str, what: str, where: str, next_step: str = "") -> ConfigError:
    return ConfigError(
        "CFG037",
        what,
        where=where,
        next_step=next_step or f"Correct '{path}'; code of your own lies in evergreen/own/<module>.py.",
    )
