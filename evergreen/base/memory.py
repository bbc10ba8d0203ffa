"""How much memory a step may take, and what a table needs of it: refused before it is short, not killed after."""

import gc
import resource
from collections.abc import Sequence
from pathlib import Path

from evergreen.base.errors import ResourceError

GIB = 2**30
ROOT = Path("/")


def collect_rarely() -> None:
    """Look for unreachable cycles a hundred times less often than Python does.

    Importing makes millions of objects that stay, and looking through them again and again takes about a sixth of the
    time of importing. What holds much memory here, tables and arrays, is freed without it.
    """
    gc.set_threshold(70_000, 20, 20)


def available(root: Path = ROOT) -> int:
    """Return the bytes that this process can still take: of the machine, of its control groups, and by its own limit.

    Parameters
    ----------
    root : where ``proc`` and ``sys`` are mounted.
    """
    import psutil

    free = [int(psutil.virtual_memory().available), *_left_in_groups(root)]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        free.append(limit - int(psutil.Process().memory_info().vms))
    return max(min(free), 0)


def of_table(path: Path, columns: Sequence[str] | None = None) -> int:
    """Return about how many bytes a Parquet table, or some of its columns, takes in memory."""
    import pyarrow.parquet as pq

    metadata, total = pq.read_metadata(path), 0
    texts = {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}
    for n in range(metadata.num_row_groups):
        group = metadata.row_group(n)
        for m in range(group.num_columns):
            column = group.column(m)
            if columns is None or column.path_in_schema in columns:
                least = 8 * group.num_rows
                # A repeated text is stored once and its length is not told; most categories are this short.
                is_text = column.physical_type in texts
                total += max(3 * least, least + int(column.total_uncompressed_size)) if is_text else least
    return total


def require(n_bytes: int, what: str, *, next_step: str, free: int | None = None) -> None:
    """Raise ResourceError unless `n_bytes` are free.

    Parameters
    ----------
    what : what needs them, as the subject of a sentence.
    free : bytes, where they are known; by default those available.
    """
    free = available() if free is None else free
    if n_bytes > free:
        raise ResourceError(
            "RES005",
            f"{what} needs about {n_bytes / GIB:.1f} GiB of memory, {free / GIB:.1f} GiB are free",
            next_step=next_step,
        )


def _left_in_groups(root: Path) -> list[int]:
    """Return what each control group that this process is in, and each above it, has left; versions 1 and 2."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    left: list[int] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            mounted, limit, used, cache = root / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mounted, limit, used = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):  # the last of them is the mount itself
            left += _left(mounted / folder, limit, used, cache)
    return left


def _left(folder: Path, limit: str, used: str, cache: str) -> list[int]:
    """Return what a group has left, with the pages of files that the system would give back; none without a limit."""
    try:
        most = (folder / limit).read_text().strip()
        if most == "max":
            return []
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return [int(most) - int((folder / used).read_text()) + int(stat.get(cache, 0))]
    except (OSError, ValueError):  # a container does not see the groups above it
        return []
