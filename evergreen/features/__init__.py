"""Features: what is derived from a row, what is looked up, and which rows only the gate may see."""

from evergreen.features.rowwise import Inputs, build, inputs
from evergreen.features.splits import Split, check_overlap, describe_split, split
from evergreen.features.targets import fit_target, labelled, typed_target

__all__ = [
    "Inputs",
    "Split",
    "build",
    "check_overlap",
    "describe_split",
    "fit_target",
    "inputs",
    "labelled",
    "split",
    "typed_target",
]
