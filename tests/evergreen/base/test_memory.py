"""Memory is counted before it is needed: on the machine, in control groups, and by the process's own limit."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base import memory
from evergreen.base.errors import ResourceError

MIB = 2**20


@pytest.fixture
def root(tmp_path):
    """A tree like / in which this process is in a control group, with what is in its files."""

    def root(cgroup: str, **files: dict[str, str]):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(cgroup)
        for folder, content in files.items():
            at = tmp_path / "sys/fs/cgroup" / folder.replace("_", "/")
            at.mkdir(parents=True, exist_ok=True)
            for name, text in content.items():
                (at / name).write_text(text)
        return tmp_path

    return root


def v2(limit: int | str, used: int, cache: int = 0) -> dict[str, str]:
    return {
        "memory.max": f"{limit}\n",
        "memory.current": f"{used}\n",
        "memory.stat": f"anon 5\ninactive_file {cache}\n",
    }


def v1(limit: int, used: int, cache: int = 0) -> dict[str, str]:
    return {
        "memory.limit_in_bytes": f"{limit}\n",
        "memory.usage_in_bytes": f"{used}\n",
        "memory.stat": f"cache 9\ntotal_inactive_file {cache}\n",
    }


def test_version_2_leaves_what_is_below_the_limit_and_what_would_be_given_back(root):
    assert memory.available(root("0::/pod\n", pod=v2(100 * MIB, 70 * MIB, 20 * MIB))) == 50 * MIB


def test_version_1_is_read_beside_other_controllers(root):
    lines = "9:pids:/a\n4:memory:/pod\n0::/\n"
    assert memory.available(root(lines, memory_pod=v1(100 * MIB, 70 * MIB, 5 * MIB))) == 35 * MIB


def test_tightest_group_above_counts(root):
    found = root("0::/pod/job\n", pod=v2(64 * MIB, 60 * MIB), pod_job=v2(100 * MIB, 10 * MIB))
    assert memory.available(found) == 4 * MIB


def test_container_that_does_not_see_its_groups_name_reads_the_mount(root):
    found = root("0::/docker/4f1c\n")
    (found / "sys/fs/cgroup").mkdir(parents=True)
    for name, text in v2(32 * MIB, 2 * MIB).items():
        (found / "sys/fs/cgroup" / name).write_text(text)
    assert memory.available(found) == 30 * MIB


def test_group_over_its_limit_has_nothing_left(root):
    assert memory.available(root("0::/pod\n", pod=v2(10 * MIB, 70 * MIB))) == 0


@pytest.mark.parametrize("limit", ["max", "?"])
def test_without_a_limit_the_machine_counts(root, limit, tmp_path):
    import psutil

    found = memory.available(root("0::/pod\n", pod=v2(limit, 70 * MIB)))
    assert 0.5 < found / psutil.virtual_memory().available < 2
    assert 0.5 < memory.available(tmp_path / "nowhere") / found < 2


def test_process_knows_its_own_limit_and_says_so_before_it_is_met():
    code = (
        "import resource\n"
        "from evergreen.base import memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "assert memory.available() < 2**30\n"
        "memory.require(2**31, 'a table', next_step='Read less.')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RES005: a table needs about 2.0 GiB of memory, 1.0 GiB are free" in done.stderr


def test_what_fits_is_silent_and_what_does_not_is_one_block():
    memory.require(100, "a table", next_step="Read less.", free=100)
    with pytest.raises(ResourceError) as caught:
        memory.require(3 * 2**30, "a table", next_step="Read less.", free=2**30)
    assert caught.value.exit_code == 8
    assert caught.value.block() == (
        "RES005: a table needs about 3.0 GiB of memory, 1.0 GiB are free\n  next:  Read less."
    )


def test_tables_estimate_is_near_what_arrow_takes(tmp_path):
    n = 50_000
    rows = pa.table(
        {
            "x": pa.array(range(n), pa.float64()),
            "word": pa.array(["Newark", "La Guardia", None] * (n // 3 + 1))[:n],
            "text": [f"{i} " + "lorem ipsum " * 8 for i in range(n)],
            "flag": pa.array([True] * n),
        }
    )
    pq.write_table(rows, tmp_path / "t.parquet")
    assert 0.8 < memory.of_table(tmp_path / "t.parquet") / rows.nbytes < 2
    assert memory.of_table(tmp_path / "t.parquet", ["x"]) == 8 * n
