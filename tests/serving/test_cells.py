"""Counts that outlive the process, in places that no two processes share."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evergreen.base.errors import ResourceError
from serving.cells import Cells, others, parse

ROOT = Path(__file__).parents[2]
COUNTS = """
import sys
from pathlib import Path
from serving.cells import Cells
cells = Cells(Path(sys.argv[1]))
print(cells.place, flush=True)
at = cells.at("counted", sys.argv[2])
for _ in sys.stdin:
    cells.values[at] += 1
    print(int(cells.values[at]), flush=True)
"""


class Counting:
    """A process that counts one more whenever it is told to, and says how far it came."""

    def __init__(self, folder: Path, label: str = "x") -> None:
        argv = [sys.executable, "-c", COUNTS, str(folder), label]
        self.process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.place = int(self._said())

    def count(self) -> int:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self._said())

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()

    def _said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Callable[..., Counting]]:
    started: list[Counting] = []

    def start(label: str = "x") -> Counting:
        started.append(Counting(tmp_path, label))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()


def test_what_was_counted_survives_kill_9_and_the_next_process_counts_on(counting, tmp_path):
    first = counting()
    assert [first.count() for _ in range(100)][-1] == 100
    first.kill()
    assert parse((tmp_path / "0.cells").read_bytes()) == {("counted", "x"): 100}

    second = counting()
    assert (second.place, second.count()) == (0, 101)


def test_processes_side_by_side_have_places_of_their_own_and_see_each_other(counting, tmp_path):
    first, second = counting("a"), counting("b")
    assert sorted([first.place, second.place]) == [0, 1]
    first.count()
    assert second.count() == 1

    mine = Cells(tmp_path)
    seen = {number: parse(content) for number, content in others(tmp_path, mine.place)}
    assert mine.place == 2
    assert seen == {first.place: {("counted", "a"): 1}, second.place: {("counted", "b"): 1}}


def test_places_are_as_many_as_processes_ever_were_side_by_side(counting, tmp_path):
    for expected in range(1, 6):
        one = counting()
        assert one.count() == expected
        one.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["0.cells"]


def test_series_are_found_again_after_their_file_has_grown(tmp_path):
    cells = Cells(tmp_path)
    early = cells.at("first")
    before = cells.values
    for number in range(5_000):
        cells.set(number, "many", f"label {number}")
    assert (tmp_path / "0.cells").stat().st_size > 1 << 17
    before[early] += 1  # held by whoever looked it up before
    assert cells.values[cells.at("first")] == 1
    assert parse(cells.content())["many", "label 4999"] == 4999
    assert parse((tmp_path / "0.cells").read_bytes()) == parse(cells.content())


def test_memory_of_one_process_alone_needs_no_folder():
    one, other = Cells(None), Cells(None)
    one.add(2.5, "n", "é\n")
    assert parse(one.content()) == {("n", "é\n"): 2.5}
    assert parse(other.content()) == {}
    assert not one.is_successor


@pytest.mark.parametrize("content", [b"", b"\0" * 16, b"EVGCELL1" + b"\xff" * 8, b"something else that is long enough"])
def test_file_that_is_no_place_holds_nothing_and_becomes_one(tmp_path, content):
    assert parse(content) == {}
    (tmp_path / "0.cells").write_bytes(content)
    cells = Cells(tmp_path)
    assert not cells.is_successor
    cells.add(1, "n")
    assert parse((tmp_path / "0.cells").read_bytes()) == {("n",): 1}


@pytest.mark.parametrize("end", range(17, 48))
def test_place_cut_short_while_a_series_was_added_keeps_the_others(tmp_path, end):
    cells = Cells(tmp_path)
    cells.set(7, "kept")
    whole = cells.content()
    cells.at("added later")
    torn = whole + cells.content()[len(whole) :][: end - 17]  # its bytes came, and the head that counts them did not
    assert parse(torn) == {("kept",): 7}


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_room_that_is_not_there_is_one_error_and_not_a_killed_process(tmp_path):
    with largest_file(1_000), pytest.raises(ResourceError, match="RES001"):
        Cells(tmp_path)

    cells = Cells(tmp_path)
    cells.set(7, "kept")
    with largest_file(1 << 17), pytest.raises(ResourceError, match="RES001"):
        [cells.at("many", str(number)) for number in range(100_000)]
    assert cells.values[cells.at("kept")] == 7
    cells.add(1, "room again")
    assert parse(cells.content())["room again",] == 1
