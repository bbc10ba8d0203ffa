"""What the rows that a model learned from looked like, as far as the model itself knows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evergreen.learning.model.compiled.plan import Plan
    from evergreen.learning.model.model import Model


@dataclass(frozen=True)
class Reference:
    """What is compared with.

    `missing`: share of rows, 0 to 1, in which a feature was missing. `categories`: those of a feature that the model
    knows. `values`: cuts of a number's estimates, rising, such as their deciles. `common`: a multiclass model's
    classes, the most frequent first.
    """

    missing: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, Collection[str]] = field(default_factory=dict)
    values: tuple[float, ...] = ()
    common: tuple[str, ...] = ()


def reference_of(model: "Model") -> Reference:
    """Return what a model's profile says, as far as it has one, and the categories that the model knows.

    Cuts of values have six digits, as they are shown with.
    """
    profile, categories = model.profile, known_categories(model)
    if profile is None:
        return Reference(categories=categories)
    is_number = model.contract.task == "regression"
    shares = profile.labels or {}
    return Reference(
        missing={name: column.missing for name, column in profile.columns.items()},
        categories=categories,
        values=tuple(sorted({float(f"{edge:g}") for edge in profile.edges})) if is_number else (),
        common=tuple(sorted(shares, key=lambda label: -shares[label])),
    )


def known_categories(model: "Model") -> Mapping[str, Collection[str]]:
    """Return the categories that a model learned, by feature; of one whose categories it hashes, those of the contract.

    A feature of which neither is known is left out: none of its categories is unseen.
    """
    features = (*model.contract.request_columns, *model.given)
    learned = dict(_compiled(model.scorer.plan) if model.scorer else _learned(model.pipeline))
    declared = {column.name: column.categories for column in features if column.categories}
    names = [column.name for column in features if column.type == "category"]
    return {name: {**declared, **learned}[name] for name in names if name in learned or name in declared}


def _compiled(plan: "Plan") -> Iterator[tuple[str, Collection[str]]]:
    """Yield what the plan says of columns: the pipeline is not read for it, which takes longer than all the rest."""
    for category in plan.categories:
        if category.of < len(plan.columns):  # others are looked up
            yield plan.columns[category.of].name, frozenset(category.keys)


def _learned(pipeline: Any) -> Iterator[tuple[str, Collection[str]]]:
    columns = getattr(pipeline, "named_steps", {}).get("columns")
    for _, encoder, names in getattr(columns, "transformers_", ()):
        first = encoder[0] if hasattr(encoder, "steps") else encoder  # a linear model's is scaled afterwards
        for name, categories in zip(names, getattr(first, "categories_", ()), strict=False):
            yield name, frozenset(category for category in categories.tolist() if isinstance(category, str))
