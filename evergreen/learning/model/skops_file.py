"""A fitted pipeline as skops bytes: equal for equal fits, and holding no type that is not on our list."""

import hashlib
import importlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evergreen import own_code
from evergreen.base.errors import IntegrityError
from evergreen.learning.model import skops_archive

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


# Types that a model of ours holds beyond skops' own defaults. A file that names any other is refused.
# Estimators of a team's own, in evergreen.own, are trusted beside these, for they ship with the code that loads them.
TRUSTED_TYPES = (
    "collections.OrderedDict",
    "evergreen.learning.tuning.boosting.NamedXGBClassifier",
    "evergreen.learning.tuning.calibration.CalibratedPipeline",
    "evergreen.learning.tuning.calibration.ShiftedPipeline",
    "evergreen.learning.tuning.encoders.HashedCategories",
    "evergreen.learning.tuning.encoders.Words",
    "evergreen.learning.tuning.encoders.bounded",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.tree._tree.Tree",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBRegressor",
)
OWN = "evergreen.own."


def to_bytes(pipeline: "Pipeline") -> bytes:
    """Return a pipeline in the skops format, free of what differs between equal fits.

    skops numbers objects and names files by memory address and stamps its archive with the time. Here files are named
    by their content, and the numbers are left out: an object met twice is written, and read back, twice. What lies
    between the fields of an array, which nobody writes, becomes 0.
    """
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as archive:
        members = {name: _without_padding(archive.read(name)) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    names = {
        name: f"{hashlib.sha256(content).hexdigest()[:32]}{Path(name).suffix}" for name, content in members.items()
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(_without_addresses(schema, names)))
        for name, content in sorted({names[name]: content for name, content in members.items()}.items()):
            archive.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue()


def _without_padding(content: bytes) -> bytes:
    import numpy as np

    if not content.startswith(np.lib.format.MAGIC_PREFIX):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.fields is None:
        return content
    written = np.zeros(array.dtype.itemsize, dtype=bool)
    for kind, start, *_ in array.dtype.fields.values():
        written[start : start + kind.itemsize] = True
    begin = len(content) - array.nbytes
    records = np.frombuffer(content, np.uint8, offset=begin).reshape(-1, array.dtype.itemsize)
    return content[:begin] + np.where(written, records, np.uint8(0)).tobytes()


def _without_addresses(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names[value] if key == "file" and isinstance(value, str) else _without_addresses(value, names)
            for key, value in node.items()
            if key != "__id__"
        }
    return [_without_addresses(item, names) for item in node] if isinstance(node, list) else node


def from_bytes(content: bytes, *, where: str = "") -> "Pipeline":
    """Return the pipeline in skops bytes.

    Nothing is ever constructed beyond skops' defaults, TRUSTED_TYPES, and classes that a module of evergreen.own
    defines; and no module is imported for a file that names any other.

    Raises
    ------
    IntegrityError if it names another type, or is not an archive as `to_bytes` writes one.
    """
    import skops.io

    held = set(held_types(content, where=where))
    own = {name for name in held if name.startswith(OWN)}
    unknown = held - own - set(TRUSTED_TYPES) or {name for name in own if not _is_own(name)}
    if unknown:
        raise IntegrityError(
            "INT004",
            f"the model holds types that are not allowed: {', '.join(sorted(unknown))}",
            where=where,
            next_step="Do not use this file. If the types are your team's, or of a package that it trusts, add them to "
            "TRUSTED_TYPES in evergreen/learning/model/skops_file.py.",
        )
    with _explained(where):
        pipeline: Pipeline = skops.io.loads(content, trusted=[*TRUSTED_TYPES, *own])
    return pipeline


def held_types(content: bytes, *, where: str = "") -> list[str]:
    """Return the types in skops bytes that skops does not trust by itself; raises as `skops_archive.check` does."""
    skops_archive.check(content, where=where)
    import skops.io

    with _explained(where):
        return sorted(skops.io.get_untrusted_types(data=content))


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn whatever skops and the types that it builds make of a file that fits together badly into one block."""
    try:
        yield
    except (ImportError, MemoryError):  # of a library or memory that is lacking here, whatever the file
        raise
    except Exception as error:
        raise skops_archive.refusal(f"{type(error).__name__}: {str(error)[:300]}", where) from error


def _is_own(name: str) -> bool:
    """Whether a module of evergreen.own defines this class; one that it only imports is not its own."""
    module, _, attribute = name.rpartition(".")
    if module + "." == OWN or not own_code.is_known(module):
        return False
    try:
        kind = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(kind, type) and kind.__module__ == module
