"""What several workers counted, as one page: sums that never fall, gauges of the living, and who is who."""

import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from projects import wait_for
from prometheus_client.parser import text_string_to_metric_families

from evergreen.base.processes import mark
from serving.cells import Cells
from serving.exposition import page

NOW = 1_800_000_000.0


def worker(folder: Path | None, pid: int | None = None) -> Cells:
    """Return the cells of a worker that lives: this process, or another."""
    process = psutil.Process(pid)
    cells = Cells(folder)
    cells.set(process.pid, "worker.pid")
    cells.set(mark(process.pid).started, "worker.started")
    return cells


@contextmanager
def another() -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that waits; it is killed at the end."""
    argv = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def dead(folder: Path) -> Cells:
    """Return the cells of a worker that has ended."""
    with another() as ended:
        return worker(folder, ended.pid)


def numbers(cells: Cells, folder: Path | None) -> dict[str, float]:
    """Return the page as a reader other than ours parses it, by sample and labels but `le`'s spelling."""
    text = page(cells, folder, now=NOW).decode()
    return {
        f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_are_summed_over_workers_and_those_of_the_dead_are_kept(tmp_path):
    for n, cells in ((3, dead(tmp_path)), (5, worker(tmp_path)), (7, mine := worker(tmp_path))):
        cells.add(n, "evergreen_requests_total", "/predict", "200")
    assert numbers(mine, tmp_path)["evergreen_requests_total{route=/predict,status=200}"] == 15


def test_gauges_are_of_the_living_alone(tmp_path):
    for n, cells in ((3, dead(tmp_path)), (5, worker(tmp_path)), (7, mine := worker(tmp_path))):
        cells.set(n, "evergreen_connections")
        cells.set(n, "evergreen_log_lag_seconds")
        cells.set(n, "evergreen_log_writable")
        cells.set(NOW - n, "worker.since")
        cells.set(1, "evergreen_model_info", "parcels", str(n), "d")
    found = numbers(mine, tmp_path)
    assert found["evergreen_connections{}"] == 12
    assert found["evergreen_log_lag_seconds{}"] == 7
    assert found["evergreen_log_writable{}"] == 5
    assert {key: value for key, value in found.items() if "model" in key} == {
        "evergreen_model_age_seconds{worker=1}": 5,
        "evergreen_model_age_seconds{worker=2}": 7,
        "evergreen_model_info{digest=d,model=parcels,version=5,worker=1}": 1,
        "evergreen_model_info{digest=d,model=parcels,version=7,worker=2}": 1,
    }


def test_a_gauge_that_is_no_longer_so_is_not_shown(tmp_path):
    cells = worker(tmp_path)
    cells.set(math.nan, "evergreen_model_info", "parcels", "1", "d")
    cells.set(1, "evergreen_model_info", "parcels", "2", "d")
    found = numbers(cells, tmp_path)
    assert [key for key in found if "model_info" in key] == [
        "evergreen_model_info{digest=d,model=parcels,version=2,worker=0}"
    ]


def test_histograms_are_cumulated_over_buckets_of_all_workers(tmp_path):
    other, mine = worker(tmp_path), worker(tmp_path)
    for cells, bound, n in (
        (other, "0.1", 2),
        (mine, "0.1", 1),
        (mine, "0.25", 4),
        (other, "10", 8),
        (mine, "inf", 16),
    ):
        cells.add(n, "evergreen_request_seconds_bucket", "/predict", bound)
    other.add(1.5, "evergreen_request_seconds_sum", "/predict")
    mine.add(2, "evergreen_request_seconds_sum", "/predict")
    found = {key: value for key, value in numbers(mine, tmp_path).items() if "evergreen_request_seconds" in key}
    assert found == {
        "evergreen_request_seconds_bucket{le=0.1,route=/predict}": 3,
        "evergreen_request_seconds_bucket{le=0.25,route=/predict}": 7,
        "evergreen_request_seconds_bucket{le=10,route=/predict}": 15,
        "evergreen_request_seconds_bucket{le=+Inf,route=/predict}": 31,
        "evergreen_request_seconds_count{route=/predict}": 31,
        "evergreen_request_seconds_sum{route=/predict}": 3.5,
    }


def test_sum_of_values_that_may_be_negative_is_not_shown_because_it_may_fall():
    cells = worker(None)
    for bound in ("-1", "2", "inf"):
        cells.add(1, "evergreen_value_bucket", bound)
    cells.add(-5, "evergreen_value_sum")
    found = {key: value for key, value in numbers(cells, None).items() if "evergreen_value" in key}
    assert found == {
        "evergreen_value_bucket{le=-1}": 1,
        "evergreen_value_bucket{le=2}": 2,
        "evergreen_value_bucket{le=+Inf}": 3,
    }


def test_each_living_worker_shows_its_own_memory_and_processor(tmp_path):
    with another() as child:
        places = [worker(tmp_path, child.pid), worker(tmp_path)]
        found = numbers(places[1], tmp_path)
        for number, pid in enumerate((child.pid, None)):
            resident = found[f"process_resident_memory_bytes{{worker={number}}}"]
            assert resident == pytest.approx(psutil.Process(pid).memory_info().rss, rel=0.5)
            assert f"process_cpu_seconds_total{{worker={number}}}" in found
            assert f"process_open_fds{{worker={number}}}" in found


def test_another_process_with_the_id_of_a_dead_worker_is_not_that_worker(tmp_path):
    reused = worker(tmp_path)
    reused.set(psutil.Process(1).pid, "worker.pid")
    reused.set(12_345.0, "worker.started")
    reused.set(9, "evergreen_connections")
    mine = worker(tmp_path)
    mine.set(1, "evergreen_connections")
    found = numbers(mine, tmp_path)
    assert found["evergreen_connections{}"] == 1
    assert "process_open_fds{worker=0}" not in found


def test_worker_that_is_dead_and_not_yet_waited_for_is_dead(tmp_path):
    with another() as child:
        other, mine = worker(tmp_path, child.pid), worker(tmp_path)
        other.set(9, "evergreen_connections")
        mine.set(1, "evergreen_connections")
        assert numbers(mine, tmp_path)["evergreen_connections{}"] == 10
        child.kill()
        wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, "the worker has ended")
        assert numbers(mine, tmp_path)["evergreen_connections{}"] == 1


def test_page_of_one_process_without_a_folder_is_its_own():
    cells = worker(None)
    cells.add(2, "evergreen_log_lost_total")
    assert numbers(cells, None)["evergreen_log_lost_total{}"] == 2
