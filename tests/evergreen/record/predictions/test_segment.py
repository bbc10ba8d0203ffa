"""Segments: what is done at opening to those that dead processes left."""

import os

import logged
import pytest

from evergreen.record.predictions.frames import SegmentReader
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.segment import segments, settle


def left_behind(folder, *, torn=b""):
    """Return a segment as a killed process leaves it: its bytes, the last ones torn, without an end."""
    log = PredictionLog(folder)
    names = logged.append(log, [1, 2])
    (path,) = segments(folder)
    content = path.read_bytes()
    log.close()
    path.write_bytes(content + torn)
    return path, names


@pytest.mark.parametrize("torn", [b"", b"x", b"x" * 1000])
def test_torn_tail_of_a_dead_process_is_cut_off_once(tmp_path, torn):
    path, names = left_behind(tmp_path / "predictions", torn=torn)
    assert settle(path)
    size = path.stat().st_size
    assert settle(path)
    assert path.stat().st_size == size
    with SegmentReader(path) as reader:
        assert reader.ends_in_order()
        assert all(reader.find(name, after=0) for name in names)


def test_opening_settles_what_others_left(tmp_path):
    path, _ = left_behind(tmp_path / "predictions", torn=b"torn")
    PredictionLog(tmp_path / "predictions").close()
    with SegmentReader(path) as reader:
        assert reader.ends_in_order()


def test_segment_that_holds_nothing_whole_is_removed(tmp_path):
    path, _ = left_behind(tmp_path / "predictions")
    os.truncate(path, 40)
    assert settle(path)
    assert not path.exists()
    assert settle(path)


def test_file_of_somebody_else_is_left_as_it_is(tmp_path, caplog):
    folder = tmp_path / "segments"
    folder.mkdir()
    path = folder / "20240501T12-abcdef-000001.log"
    path.write_bytes(b"somebody else's " * 10)
    (folder / "notes.log").write_bytes(b"not even named like one")
    assert segments(tmp_path) == [path]
    assert settle(path)
    assert path.read_bytes() == b"somebody else's " * 10
    assert "left as it is" in caplog.text
