"""Features: what is derived from a row, what is looked up, and which rows only the gate may see."""

from evergreen.learning.features.rowwise import Inputs, build, check_functions, inputs
from evergreen.learning.features.splits import Cut, Split, SplitTally, check_overlap, no_labels, require_sides, split
from evergreen.learning.features.targets import fit_target, labelled, typed_target

__all__ = [
    "Cut",
    "Inputs",
    "Split",
    "SplitTally",
    "build",
    "check_functions",
    "check_overlap",
    "fit_target",
    "inputs",
    "labelled",
    "no_labels",
    "require_sides",
    "split",
    "typed_target",
]
