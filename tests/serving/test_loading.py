"""A version is in memory whole and proven, or it is said why not."""

from pathlib import Path

import promoted
import pytest
import released

from evergreen.base.errors import IntegrityError
from evergreen.config.settings import Settings
from evergreen.record.registry import bentos
from serving.loading import NotLoaded, line, load


def test_a_whole_version_answers_as_its_pipeline_does(tmp_path: Path, project: Path):
    known = promoted.package(tmp_path, 1, project)
    release = bentos.release_of(known)

    loaded = load(release, known.package, Settings(home=tmp_path))

    assert (loaded.served.release, loaded.digest, loaded.other) == (release, known.package, "")
    decoder = loaded.served.decoder
    rows = [[row.get(column.name) for column in decoder.fields] for row in released.requests(5)]
    estimates = loaded.served.estimate(decoder.read(rows).rows)
    assert estimates.values.tolist() == pytest.approx(promoted.expected(1, 5), abs=1e-5)


@pytest.mark.parametrize(
    ("spoil", "outcome", "why"),
    [
        (lambda path: path.rename(path.with_name("elsewhere")), "waiting", "its package is not at"),
        (lambda path: (path / "src" / "model" / "contract.json").write_text("{}"), "refused", "INT018"),
    ],
)
def test_what_must_not_answer_is_told_with_its_reason(tmp_path: Path, project: Path, spoil, outcome, why):
    known = promoted.package(tmp_path, 1, project)
    spoil(promoted.path_of(known, tmp_path))

    with pytest.raises(NotLoaded) as raised:
        load(bentos.release_of(known), known.package, Settings(home=tmp_path))

    assert raised.value.outcome == outcome
    assert why in raised.value.why


def test_an_error_is_told_on_one_line():
    assert line(ValueError("two\nlines")) == "ValueError: two lines"
    assert line(IntegrityError("INT018", "not it", where="a/b", next_step="")) == "INT018: not it (a/b)"
