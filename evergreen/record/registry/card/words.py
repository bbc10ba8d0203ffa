"""What was done to the rows, and which of them judge, in sentences."""

from collections.abc import Iterable, Iterator

from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams, ThresholdRule
from evergreen.config.params.features import FeatureParams, History
from evergreen.config.params.params import Params
from evergreen.decisions.gate.check import plural

IMPUTED = {"median": "the median of the train rows", "mean": "the mean of the train rows", "zero": "0"}
SCALED = {
    "standard": "mean 0 and variance 1",
    "robust": "median 0 and an interquartile range of 1",
    "quantile": "a normal distribution",
}


def preprocessing(contract: Contract, params: FeatureParams) -> tuple[str, ...]:
    """Return how features come about: those that are derived row by row, then what is fitted with the model."""
    return (*_derived(contract, params), *_fitted(contract, params))


def _derived(contract: Contract, params: FeatureParams) -> Iterator[str]:
    for join in contract.joins:
        how = f", as of {contract.time}, never later" if join.as_of else ""
        yield f"Joined by {_listed(join.by)}{how}: {_listed(join.columns)}."
    if params.calendar:
        yield f"Derived from {contract.time} in {contract.timezone}: {_listed(params.calendar)}."
    if params.cyclic:
        yield f"Derived from {contract.time} as a sine and a cosine each: {_listed(params.cyclic)}."
    for name, (above, below) in params.ratios.items():
        yield f"{name}: {above} divided by {below}."
    for name, (first, second) in params.differences.items():
        yield f"{name}: {first} minus {second}."
    for name, bucket in params.buckets.items():
        yield f"{name}: the interval that {bucket.of} lies in, cut at {_listed(f'{edge:g}' for edge in bucket.edges)}."
    for name, lookup in params.lookups.items():
        yield f"{name}: {_listed(lookup.columns)}, looked up by {lookup.by} in {lookup.file}."
    for name, history in params.history.items():
        yield f"{name}: {_past(history)}, from rows strictly before."
    for path in params.functions:
        yield f"{path}: a function of the project's own."


def _fitted(contract: Contract, params: FeatureParams) -> Iterator[str]:
    numbers = [column.name for column in contract.features if column.type in ("number", "integer")]
    categories = [column.name for column in contract.features if column.type == "category"]
    texts = [column.name for column in contract.features if column.type == "text"]
    if categories:
        rare = f"those in fewer than {params.rare_category} train rows share one code"
        own = [f"{name} by {how}" for name, how in params.encode.items()]
        others = f"{_listed(own)}; all others in the family's own way" if own else "in the family's own way"
        yield f"Categories are encoded with the model: {others}; {rare}."
    if numbers:
        marked = ", and a further column says where" if params.numeric.missing_indicators else ""
        yield (
            f"Where the family takes no missing numbers, {IMPUTED[params.numeric.impute]} stands for them{marked}; "
            f"where it wants one scale, they are scaled to {SCALED[params.numeric.scale]}."
        )
    if texts:
        yield (
            f"Texts ({_listed(texts)}) become at most {params.text.components} numbers each: words counted by "
            f"{params.text.vectorizer}, reduced by truncated SVD."
        )
    yield "Whatever is fitted is fitted in every fold anew, on train rows only, and is part of the model."


def _past(history: History) -> str:
    by = f" of the same {_listed(history.by)}" if history.by else ""
    if history.lag is not None:
        return f"{history.of} of {history.lag} {plural('row', history.lag)} before{by}"
    over = f"the {history.window_days} {plural('day', history.window_days or 0)} before{by}"
    return (
        f"the count of rows in {over}" if history.of is None else f"the {history.aggregate} of {history.of} in {over}"
    )


def split(contract: Contract, params: Params) -> tuple[str, ...]:
    """Return which rows judge, which nobody reads, and which tuning validates on."""
    features, tune = params.features, params.tune
    if contract.time:
        days = f"{features.test_days} {plural('day', features.test_days or 0)}"
        sides = [f"The last {days} by {contract.time}, cut in {contract.timezone}, judge; only the gate reads them."]
        if features.embargo_days:
            gap = f"{features.embargo_days} {plural('day', features.embargo_days)}"
            sides.append(f"Nobody reads the {gap} before them, because their labels arrive late.")
        folds = "ordered by time: each validates on rows after those it is fitted on"
    else:
        by = contract.group or (_listed(contract.key) if contract.key else "all features")
        sides = [
            f"About {features.test_share or 0:.0%} of the rows judge, chosen by a hash of {by} and the seed; only the "
            "gate reads them."
        ]
        folds = f"with the rows of a {contract.group} together" if contract.group else "drawn with the seed"
    drawn = f"cut from at most {tune.max_rows:,} train rows"
    return (*sides, f"Tuning chose by {tune.folds} folds, {drawn}, {folds}.")


def threshold(params: EvaluateParams) -> str:
    """Return how the threshold of a binary answer was found."""
    if isinstance(params.threshold, ThresholdRule):
        wanted = params.threshold.model_dump(exclude_none=True)
        asked = ", ".join(f"{name} of at least {value:g}" for name, value in wanted.items())
        return f"chosen on the validation rows of tuning, for a {asked}"
    if params.threshold is not None:
        return "set by evaluate.threshold"
    by = "the least mean cost" if params.costs else "the best balanced accuracy"
    return f"chosen on the validation rows of tuning, for {by}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
