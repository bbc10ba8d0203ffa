"""Datasets: typed rows as partitioned Parquet, under a version that is named by what the rows hold."""

from evergreen.data.datasets.content import content_sums, row_hashes
from evergreen.data.datasets.manifest import (
    UNDATED,
    WHOLE,
    Fragment,
    IngestedItem,
    Manifest,
    VersionDifference,
    diff,
    digest,
)
from evergreen.data.datasets.periods import within
from evergreen.data.datasets.versions import (
    batches,
    find,
    is_whole,
    publish,
    read_manifest,
    reference,
    require,
    scan,
    versions,
)
from evergreen.data.datasets.writer import Writer

__all__ = [
    "UNDATED",
    "WHOLE",
    "Fragment",
    "IngestedItem",
    "Manifest",
    "VersionDifference",
    "Writer",
    "batches",
    "content_sums",
    "diff",
    "digest",
    "find",
    "is_whole",
    "publish",
    "read_manifest",
    "reference",
    "require",
    "row_hashes",
    "scan",
    "versions",
    "within",
]
