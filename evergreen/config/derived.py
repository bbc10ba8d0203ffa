"""What parameters derive from the columns of a contract: names and types, and whether the columns are fit for it."""

from collections.abc import Collection, Iterable
from typing import get_args

from evergreen import own_code
from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Column, ColumnType, Role
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams, History

FEATURE: tuple[Role, ...] = ("feature",)
NUMBERS: tuple[ColumnType, ...] = ("number", "integer")
ANY_ROLE: tuple[Role, ...] = get_args(Role)


def columns(contract: Contract, params: FeatureParams) -> tuple[Column, ...]:
    """Return the features that are made beside the contract's own, in the order in which `features.build` makes them.

    Each is of type number or category, and may be missing.
    """
    numeric = [
        *(f"{contract.time}_{part}" for part in params.calendar),
        *(f"{contract.time}_{part}_{wave}" for part in params.cyclic for wave in ("sin", "cos")),
        *params.ratios,
        *params.differences,
        *params.buckets,
    ]
    made = [_column(name, "number") for name in numeric]
    for name, lookup in params.lookups.items():
        made += [_column(f"{name}_{column}", "number") for column in lookup.numeric]
        made += [_column(f"{name}_{column}", "category") for column in lookup.categorical]
    for path in params.functions:
        function = own_code.load_function(path)
        made += [_column(name, "number") for name in function.numeric]
        made += [_column(name, "category") for name in function.categorical]
    return (*made, *history(params))


def history(params: FeatureParams) -> tuple[Column, ...]:
    """Return the features of the past, which a caller may send with a row."""
    return tuple(_column(name, "number", _described(history)) for name, history in params.history.items())


def check(params: FeatureParams, contract: Contract) -> None:
    """Raise ConfigError unless the features can be made from the contract's columns, and the split fits its time."""
    of_time = {"calendar": params.calendar, "cyclic": params.cyclic, "history": tuple(params.history)}
    for key, asked in of_time.items():
        if contract.time is None and asked:
            raise ConfigError(
                "CFG020",
                f"features.{key} asks for {', '.join(asked)}, but no column has role time",
                where=f"contract '{contract.name}'",
                next_step=f"Leave features.{key} out, or give a timestamp column role: time.",
            )
    given, wanted = ("test_share", "test_days") if params.test_share is not None else ("test_days", "test_share")
    if (contract.time is None) != (given == "test_share"):
        raise ConfigError(
            "CFG021",
            f"features.{given} is given, but a table with{'out' if contract.time is None else ''} a time column is "
            f"split by features.{wanted}",
            where=f"contract '{contract.name}'",
            next_step=f"Give features.{wanted} instead, such as {'0.2' if wanted == 'test_share' else '14'}.",
        )
    _check_columns(params, contract)


def _check_columns(params: FeatureParams, contract: Contract) -> None:
    """Raise ConfigError for the first feature that cannot be made of the contract's columns, or whose name is taken."""
    for key, pairs in (("ratios", params.ratios), ("differences", params.differences)):
        for name, pair in pairs.items():
            kinds = [_found(contract, f"features.{key}.{name}", column, ("feature", "time")).type for column in pair]
            times = key == "differences" and set(kinds) == {"timestamp"}
            if not times and not set(kinds) <= set(NUMBERS):
                two = "two numbers" if key == "ratios" else "two numbers or two times"
                raise _unfit(f"features.{key}.{name}", f"{' and '.join(pair)} are not {two}", "Name columns that are")
    for name, buckets in params.buckets.items():
        _found(contract, f"features.buckets.{name}", buckets.of, FEATURE, NUMBERS)
    for name, lookup in params.lookups.items():
        _found(contract, f"features.lookups.{name}", lookup.by, FEATURE, ("category", "integer"))
        if lookup.by in lookup.columns:
            where, what = f"features.lookups.{name}", f"'{lookup.by}' is what rows are looked up by"
            raise _unfit(where, what, "Take other columns of the file")
    for name, past in params.history.items():
        at = f"features.history.{name}"
        if past.of:
            _found(contract, at, past.of, ANY_ROLE, (*NUMBERS, "boolean"))
        known_in_time = tuple(role for role in ANY_ROLE if role not in ("time", "target", "leakage"))
        for by in past.by:
            _found(contract, at, by, known_in_time)
    made = columns(contract, params)
    _check_names([column.name for column in made], contract)
    categories = [column.name for column in (*contract.features, *made) if column.type == "category"]
    for name in params.encode:
        if name not in categories:
            raise _unfit(f"features.encode.{name}", f"'{name}' is no category that the model sees", _one_of(categories))


def _check_names(names: Iterable[str], contract: Contract) -> None:
    taken = {column.name for column in contract.columns}
    for name in names:
        if name in taken:
            raise ConfigError(
                "CFG039",
                f"a feature is to be named '{name}', which is the name of another column",
                where=f"features, contract '{contract.name}'",
                next_step="Give it another name in the parameters.",
            )
        taken.add(name)


def _found(
    contract: Contract, where: str, name: str, roles: Collection[Role], types: Collection[ColumnType] = ()
) -> Column:
    """Return a stored column of one of `roles` and, unless it is empty, of `types`."""
    fit = [c for c in contract.stored if c.role in roles and (not types or c.type in types)]
    for column in fit:
        if column.name == name:
            return column
    known = next((column for column in contract.columns if column.name == name), None)
    what = f"has type {known.type} and role {known.role}" if known else "is no column of the contract"
    raise _unfit(where, f"'{name}' {what}", _one_of([column.name for column in fit]))


def _one_of(names: Iterable[str]) -> str:
    return f"Name one of {', '.join(names) or 'none: no column fits'}"


def _unfit(where: str, what: str, next_step: str) -> ConfigError:
    return ConfigError("CFG038", what, where=where, next_step=f"{next_step}, or leave {where} out.")


def _column(name: str, kind: ColumnType, description: str = "") -> Column:
    return Column(name=name, type=kind, role="feature", nullable=True, description=description)


def _described(history: History) -> str:
    group = f" of the same {', '.join(history.by)}" if history.by else ""
    if history.lag is not None:
        return f"{history.of} of the {f'{history.lag} rows' if history.lag > 1 else 'row'} before{group}"
    return f"{history.aggregate} of {history.of or 'rows'} in the {history.window_days} days before{group}"
