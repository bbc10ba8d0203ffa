"""`python -m cli.reference`: write tables and the JSON schema of docs/reference, and the README's table of policies.

What a parameter or a setting means is written once, under its field; what policies were worth, in a replay's result.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from evergreen.base.files import write_bytes
from evergreen.config.card import CardText
from evergreen.config.params.features import Buckets, History, Lookup
from evergreen.config.params.params import Params
from evergreen.config.params.tune import Distribution
from evergreen.config.settings import Settings, find_project
from serving.families import FAMILIES, Family

FOLDER = Path("docs", "reference")
REPLAY = "replay-flights.json"  # what `make replay` found, as `--json` prints it, without the decisions
SPACE = "tune.families.<family>.<parameter>."
METRICS = "| metric | type | labels | means |\n|---|---|---|---|\n"
PARAMS: dict[str, list[tuple[type[BaseModel], str]]] = {
    "params": [(Params, "")],
    "features": [
        (Buckets, "features.buckets.<name>."),
        (Lookup, "features.lookups.<name>."),
        (History, "features.history.<name>."),
    ],
    "space": [(Distribution, SPACE)],
}


def pages(folder: Path) -> dict[str, str]:
    """Return the texts that come from the fields, by file name; all around the tables is taken from `folder`."""
    params, state, card = (folder / name for name in ("params.md", "state.md", "card.md"))
    text = params.read_text()
    for name, models in PARAMS.items():
        rows = "".join(row for model, prefix in models for row in _keys(model, prefix))
        text = _between(text, name, f"| key | means |\n|---|---|\n{rows}")
    settings = "".join(_setting(name, field) for name, field in Settings.model_fields.items())
    return {
        "params.md": text,
        "params.schema.json": json.dumps(Params.model_json_schema(), indent=1) + "\n",
        "card.md": _between(card.read_text(), "card", f"| key | means |\n|---|---|\n{''.join(_keys(CardText, ''))}"),
        "metrics.md": _between(
            (folder / "metrics.md").read_text(), "metrics", METRICS + "".join(map(_metric, FAMILIES))
        ),
        "state.md": _between(state.read_text(), "settings", f"| key | default | means |\n|---|---|---|\n{settings}"),
    }


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key, kind = f"{prefix}{field.alias or name}", field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, f"{key}.")
        else:
            yield f"| `{key}` | {_line(field.description)} |\n"
            for rule in _rules(kind):
                yield from _keys(rule, f"{key}.")


def _rules(kind: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that may stand in the place of a plain value, as a rule in that of a threshold."""
    if get_origin(kind) in (Union, UnionType, Annotated):
        for one in get_args(kind):
            yield from [one] if isinstance(one, type) and issubclass(one, BaseModel) else _rules(one)


def _setting(name: str, field: Any) -> str:
    described = _line(field.description)
    default, _, means = described.removeprefix("default ").partition(": ") if described.startswith("default ") else (
        f"`{field.default}`", "", described
    )  # fmt: skip
    return f"| `{name}` | {default} | {means} |\n"


def _metric(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.shown)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.about} |\n"


def _line(description: str | None) -> str:
    return " ".join((description or "").split())


def _between(text: str, name: str, table: str) -> str:
    """Return a page with another table between the two marks of that name."""
    mark = f"<!-- {name} -->\n"
    return re.sub(f"{mark}.*?{mark}", lambda _: f"{mark}{table}{mark}", text, count=1, flags=re.DOTALL)


def readme(root: Path) -> str:
    """Return the README with the table of the replay of policies whose result lies in docs/reference."""
    from cli import arms
    from evergreen.decisions.retrain.regret import Table

    kept = json.loads((root / FOLDER / REPLAY).read_bytes())
    found = Table.model_validate({name: kept[name] for name in Table.model_fields})
    return _between((root / "README.md").read_text(), "policies", arms.markdown(found, metric="AUC"))


def main() -> int:
    """Write the pages of the project in this folder."""
    root = find_project(Path())
    folder = root / FOLDER
    write_bytes(root / "README.md", readme(root).encode())
    for name, text in pages(folder).items():
        write_bytes(folder / name, text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
