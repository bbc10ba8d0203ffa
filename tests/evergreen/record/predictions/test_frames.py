"""Frames: whole ones are read, whatever stands between and after them."""

import logged
import pytest

from evergreen.record.predictions.frames import MAGIC, START, Damage, Predictions, SegmentReader
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.segment import segments


@pytest.fixture
def written(tmp_path):
    """A closed segment of three frames: its path, and the ids of each."""
    log = PredictionLog(tmp_path / "predictions")
    names = [logged.append(log, [at, at + 1]) for at in (0, 2, 4)]
    log.close()
    return segments(tmp_path / "predictions")[0], names


def read(path):
    """Return the ids of each frame of rows, and the damage."""
    damage = Damage()
    with SegmentReader(path) as reader:
        frames = [frame for _, _, frame in reader.walk(damage)]
    rows = [[row.prediction_id for row in frame.rows] for frame in frames if isinstance(frame, Predictions)]
    return rows, damage


def offsets(path):
    with SegmentReader(path) as reader:
        return [(at, end) for at, end, frame in reader.walk() if isinstance(frame, Predictions)]


def test_every_cut_of_a_segment_gives_the_frames_that_are_whole(written, tmp_path):
    path, names = written
    content, ends = path.read_bytes(), [end for _, end in offsets(path)]
    for size in range(0, len(content), 7):
        (tmp_path / "cut").write_bytes(content[:size])
        rows, damage = read(tmp_path / "cut")
        assert rows == names[: sum(end <= size for end in ends)]
        assert damage.spoilt_bytes == 0


def test_every_flipped_byte_costs_the_frame_that_it_is_in_and_no_other(written, tmp_path):
    path, names = written
    content, frames = path.read_bytes(), offsets(path)
    for at in range(frames[0][0], frames[-1][1], 5):
        flipped = bytearray(content)
        flipped[at] ^= 0x41
        (tmp_path / "flipped").write_bytes(flipped)
        hit = next(number for number, (begin, end) in enumerate(frames) if begin <= at < end)
        rows, damage = read(tmp_path / "flipped")
        assert rows == [each for number, each in enumerate(names) if number != hit]
        assert damage.spoilt_bytes == frames[hit][1] - frames[hit][0]


def test_what_a_caller_sends_cannot_pass_for_a_frame(tmp_path):
    log = PredictionLog(tmp_path / "a")
    (name,) = logged.append(log, [1])
    whole = segments(tmp_path / "a")[0].read_bytes()
    forged = whole[START:].decode("latin-1")  # a frame of another segment, as text among the values
    log.close()
    other = PredictionLog(tmp_path / "b")
    features = (*logged.row(name).features[:3], forged, True)
    (mine,) = other.new_ids(1)
    other.append(logged.COLUMNS, [logged.row(mine, features=features)])

    assert other.find(name) is None
    assert other.find(mine)[1].features[3] == forged
    assert read(segments(tmp_path / "b")[0])[0] == [[mine]]
    other.close()


@pytest.mark.parametrize("content", [b"", MAGIC, b"x" * 500, MAGIC + b"\0" * 500])
def test_file_that_is_no_segment_holds_nothing(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    assert read(tmp_path / "file")[0] == []
    with SegmentReader(tmp_path / "file") as reader:
        assert reader.find("a" * 32, after=0) is None
