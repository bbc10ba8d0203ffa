"""Work in several processes: what comes back, and that none is left when one fails or the caller stops."""

import os
from functools import partial

import pieces
import psutil
import pytest

from evergreen.base.errors import DataError, ResourceError
from flows.side_by_side import side_by_side


@pytest.mark.parametrize("workers", [1, 2])
def test_each_piece_tells_its_parts_and_its_result(workers):
    told = list(side_by_side([partial(pieces.squared, n) for n in range(3)], workers=workers))
    results = {place: result for place, result in told if result is not None}
    assert {place: result[0] for place, result in results.items()} == {0: 0, 1: 1, 2: 4}
    assert [sum(place == n and result is None for place, result in told) for n in range(3)] == [2, 2, 2]
    here = {result[1] == os.getpid() for result in results.values()}
    assert here == {workers == 1}


def test_what_a_piece_raises_is_raised_here_and_the_others_are_ended():
    with pytest.raises(DataError, match="no rows"):
        list(side_by_side([pieces.ours, pieces.endless], workers=2))
    assert _none_of_ours()


def test_what_no_other_process_can_read_is_told_as_text():
    with pytest.raises(RuntimeError, match="OSError"):
        list(side_by_side([pieces.theirs, pieces.endless], workers=2))


def test_process_that_is_killed_from_outside_is_told_with_what_to_do():
    with pytest.raises(ResourceError) as caught:
        list(side_by_side([pieces.killed, pieces.endless], workers=2))
    assert (caught.value.code, "what is done is kept" in caught.value.next_step) == ("RES006", True)


def test_no_process_is_left_when_the_caller_stops():
    working = side_by_side([pieces.endless, pieces.endless], workers=2)
    next(working)
    assert not _none_of_ours()
    working.close()
    assert _none_of_ours()


def _none_of_ours():
    """Return whether no child of this process works on pieces."""
    lines = [child.cmdline() for child in psutil.Process().children(recursive=True) if child.is_running()]
    return not any("spawn_main" in " ".join(line) for line in lines)
