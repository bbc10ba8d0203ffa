"""Contracts and parameters as YAML that a person goes on with: one line a column, and why in comments."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.config.section import Section

WIDTH = 10**6
PARAMS_NOTES = {
    ("validate", "max_bad_share"): "more bad rows than this stop the run",
    ("features", "rare_category"): "categories in fewer train rows share one code",
    ("features", "test_days"): "the gate's rows: the last days, which tuning never sees",
    ("features", "test_share"): "the gate's rows, which tuning never sees",
    ("features", "embargo_days"): "at least the contract's label_delay_days",
    ("tune", "max_rows"): "folds are cut from at most so many rows; the final fit uses all",
    ("gate", "floor"): "what a model without knowledge reaches",
    ("gate", "champion_margin"): "a loss against the champion that still counts as equal",
    ("gate", "when_unclear"): "newer rows and the same recipe: take the newer model, or keep the champion",
    ("drift", "alpha"): "of unchanged windows, at most so many are called shifted",
    ("labels", "coverage"): "of the labels up to a day, before the day is judged",
    ("harm", "tolerance"): "how much worse than at the gate the expected loss may be",
}


def contract_text(contract: Contract, notes: Mapping[str, Sequence[str]]) -> str:
    """Return a contract as YAML, with what should be reviewed above each column.

    Parameters
    ----------
    notes : by column; those under the empty name are about the table.
    """
    head = written(contract)
    columns = head.pop("columns")
    lines = ["# Written by `evergreen init` from the data. Review it: what is wrong here is wrong in every later step."]
    lines += [_comment(note) for note in notes.get("", ())]
    lines += [_line(key, value) for key, value in head.items()]
    lines += ["", "columns:"]
    for column in columns:
        lines += [f"  {_comment(note)}" for note in notes.get(column["name"], ())]
        lines.append(f"  - {_flow(column)}")
    return "\n".join(lines) + "\n"


def params_text(params: Params, notes: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return parameters as YAML, section by section.

    Parameters
    ----------
    notes : what is said above a section, by its name.
    """
    data = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    if params.features.test_share is not None:
        data["features"].pop("embargo_days")
    if not params.features.calendar:
        data["features"].pop("calendar")
    if not params.gate.baseline_gain:
        data["gate"].pop("baseline_gain")
    lines: list[str] = []
    for section, values in data.items():
        if not isinstance(values, dict):
            lines.append(_line(section, values))
        elif not values:
            lines += ["", f"{section}: {{}}  # all rows; start and end narrow it to a period"]
        else:
            above = [_comment(note) for note in (notes or {}).get(section, ())]
            entries = [line for key in values for line in _entry(section, key, values[key])]
            lines += ["", *above, f"{section}:", *entries]
    return "\n".join(lines) + "\n"


def _entry(section: str, key: str, value: Any) -> list[str]:
    if (section, key) == ("tune", "families"):
        return ["  families:", *(line for family, space in value.items() for line in _family(family, space))]
    note = PARAMS_NOTES.get((section, key))
    return [f"  {_line(key, value)}" + (f"  # {note}" if note else "")]


def _family(name: str, space: Mapping[str, Mapping[str, Any]]) -> list[str]:
    given = {key: {k: v for k, v in where.items() if v is not False} for key, where in space.items()}
    return [f"    {name}:", *(f"      {_line(key, where)}" for key, where in given.items())]


def written(part: Section) -> dict[str, Any]:
    """Return what a person would write of a contract or of a part of it: nothing that is the default anyway."""
    data: dict[str, Any] = part.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(part, Column):
        if data.get("spelling") == {}:  # all of it is the default, but it is there
            data["spelling"] = {"decimal": "."}
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(part, Contract):
        data["source"] = {"kind": part.source.kind, **data.get("source", {})}
        data["label_delay_days"] = part.label_delay_days
        data["columns"] = [written(column) for column in part.columns]
        data = {key: data[key] for key in type(part).model_fields if key in data}
    return data


def _plain(value: Any) -> Any:
    """Return whole floats as integers, as people write them."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _line(key: str, value: Any) -> str:
    return f"{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    text = yaml.dump(value, Dumper=_OneLine, default_flow_style=True, width=WIDTH, sort_keys=False, allow_unicode=True)
    return str(text).removesuffix("...\n").rstrip("\n")


class _OneLine(yaml.SafeDumper):
    """Text with line ends or unprintable characters is written in double quotes, with escapes."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_OneLine.add_representer(str, _OneLine.represent_str)


def _comment(text: str) -> str:
    """Return a comment of one line, whatever the text has in it."""
    return "# " + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
