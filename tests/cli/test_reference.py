"""Reference pages come from the fields: between their marks, and nothing around them."""

import json

from cli.reference import pages
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings


def test_tables_are_put_between_their_marks_and_the_rest_stays(project, tmp_path):
    marked = {
        "params.md": ("params", "features", "space"),
        "state.md": ("settings",),
        "card.md": ("card",),
        "metrics.md": ("metrics",),
    }
    for name, marks in marked.items():
        text = "".join(f"before {mark}\n<!-- {mark} -->\noutdated\n<!-- {mark} -->\nafter\n" for mark in marks)
        (tmp_path / name).write_text(text)
    found = pages(tmp_path)
    assert found.keys() == {*marked, "params.schema.json"}
    for text in (found[name] for name in marked):
        assert "outdated" not in text
        assert "before" in text
        assert text.endswith("after\n")
    assert json.loads(found["params.schema.json"]) == Params.model_json_schema()
    assert "| `gate.floor` | the least value |" in found["params.md"]
    assert "| `evaluate.threshold` | a probability" in found["params.md"]
    assert "| `evaluate.threshold.recall` | of the true rows" in found["params.md"]
    assert "| `features.lookups.<name>.file` |" in found["params.md"]
    assert "| `tune.families.<family>.<parameter>.log` |" in found["params.md"]
    rows = [line.split("`")[1] for line in found["state.md"].splitlines() if line.startswith("| `")]
    assert rows == list(Settings.model_fields)
    assert "| `allow_dirty` | no | a version may come" in found["state.md"]
    assert "| `owner` | who answers for the model" in found["card.md"]
    assert "| `evergreen_ready` | gauge | `worker` | 1 if the worker" in found["metrics.md"]
