"""`params.yaml`: what is accepted, how a fault is named, and that no key does nothing."""

import ast
import json
import math
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from parameters import FILE
from pydantic import BaseModel

from evergreen.base.errors import ConfigError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.config.params.tune import Distribution
from evergreen.config.settings import Settings
from evergreen.record.plan.steps import STEPS

PROJECT = Path(__file__).parents[4]


def refusal(*overrides: str, path: Path = FILE) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Params.load(path, overrides)
    return caught.value


def holds(found: Any, asked: Any) -> bool:
    """Say whether what was read is what was asked for; what was not asked for may be there too."""
    if isinstance(asked, dict):
        return all(holds(found[name], value) for name, value in asked.items())
    return bool(found == asked)


@pytest.fixture
def changed(tmp_path):
    """Write params.yaml with one pattern replaced; return the path and the line that was changed."""

    def changed(pattern: str, replacement: str) -> tuple[Path, int]:
        text = FILE.read_text()
        found = re.search(pattern, text)
        assert found
        path = tmp_path / "params.yaml"
        path.write_text(text[: found.start()] + replacement + text[found.end() :])
        return path, text[: found.start()].count("\n") + 1

    return changed


# -- the file -----------------------------------------------------------------------------------------------------


def test_committed_file_is_accepted():
    params = Params.load(PROJECT / "params.yaml")
    assert (PROJECT / "configs" / params.dataset / "contract.yaml").exists()


@pytest.mark.parametrize(
    ("pattern", "misspelt", "hint"),
    [
        (r"trials\b", "trails", "Did you mean 'trials'?"),
        (r"validate\b", "valdate", "Did you mean 'validate'?"),
        (r"max_bad_share\b", "max_bad_shar", "Did you mean 'max_bad_share'?"),
        (r"float: (?=\[0.001)", "flaot: ", "Did you mean 'float'?"),
        (r"int: (?=.*\n.*min_child)", "itn: ", "Did you mean 'int'?"),
        (r"lightgbm\b", "lihgtgbm", "Did you mean 'lightgbm'?"),
        (r"cooldown_days\b", "cooldown", "Did you mean 'cooldown_days'?"),
    ],
)
def test_misspelt_key_fails_with_its_line_and_the_likely_spelling(changed, pattern, misspelt, hint):
    path, line = changed(pattern, misspelt)
    error = refusal(path=path)
    assert error.where == f"{path}:{line}"
    assert error.next_step == hint


def test_misspelt_policy_fails_with_its_line_and_the_likely_spelling(changed):
    path, line = changed(r"policy: any\(harm,probe\)", "policy: any(harm,porbe)")
    error = refusal(path=path)
    assert error.where == f"{path}:{line}"
    assert error.what == "'retrain.policy': 'porbe' is no policy. Did you mean 'probe'?"


def test_file_without_a_section_is_refused(changed):
    path, _ = changed(r"retrain:\n(  .*\n)+", "")
    assert refusal(path=path).what == "key 'retrain' is missing"


def test_key_given_twice_is_refused_with_its_line(changed):
    path, line = changed(r"  trials: .*\n", "  trials: 3\n  trials: 4\n")
    error = refusal(path=path)
    assert (error.code, error.where) == ("CFG003", f"{path}:{line + 1}")


@pytest.mark.parametrize("day", ["2013-02-29", '"2013-02-29"'], ids=["bare", "quoted"])
def test_day_that_does_not_exist_is_refused_with_its_line(changed, day):
    path, line = changed(r"end: .*", f"end: {day}")
    error = refusal(path=path)
    assert error.where == f"{path}:{line}"
    assert "2013-02-29" in error.what


@pytest.mark.parametrize("day", ["2013-02-28", '"2013-02-28"'], ids=["bare", "quoted"])
def test_day_is_read_with_and_without_quotes(changed, day):
    path, _ = changed(r"end: .*", f"end: {day}")
    assert Params.load(path).ingest.end == date(2013, 2, 28)


def test_fault_in_the_file_keeps_its_line_when_another_key_is_overridden(changed):
    path, line = changed(r"trials: .*", "trials: 0")
    assert refusal("seed=3", path=path).where == f"{path}:{line}"


def test_exponent_without_a_point_is_a_number(changed):
    # YAML 1.1 reads 1e-2 as text
    path, _ = changed(r"alpha: .*", "alpha: 1e-2")
    assert Params.load(path).drift.alpha == 0.01


@pytest.mark.parametrize(
    "override",
    [
        "seed=-1",
        "seed=4294967296",
        "seed=1.5",
        "seed=",
        "dataset=../flights",
        "dataset=Flights",
        "ingest.start=2013-03-01",
        "ingest.start=yesterday",
        "validate.max_bad_share=1.01",
        "validate.max_bad_share=.nan",
        "features.calendar=[hour, hour]",
        "features.calendar=[minute]",
        "features.test_days=0",
        "features.test_days=null",
        "features.test_share=0.2",
        "features={rare_category: 1, test_share: 0.2, embargo_days: 1}",
        "features={rare_category: 1, test_share: 0}",
        "features={rare_category: 1, test_share: 1}",
        "features.embargo_days=-1",
        "features.rare_category=0",
        "tune.trials=0",
        "tune.folds=1",
        "tune.max_rows=999",
        "tune.families={}",
        "evaluate.threshold=-0.1",
        "evaluate.threshold=1.1",
        "evaluate.threshold=high",
        "evaluate.threshold={precision: 0}",
        "evaluate.threshold={recall: 1.1}",
        "evaluate.threshold={precision: 0.6, recall: 0.7}",
        "evaluate.threshold={}",
        "gate.metric=accuracy",
        "gate.floor=.nan",
        "gate.baseline_gain=.inf",
        "gate.champion_margin=-0.01",
        "gate.confidence=0.5",
        "gate.confidence=1",
        "drift.alpha=0",
        "drift.bins=1",
        "drift.min_days=2",
        "labels.coverage=0",
        "labels.coverage=1.01",
        "harm.loss=log",
        "harm.tolerance=.nan",
        "harm.tolerance=1",
        "harm.alpha=0",
        "retrain.policy=any(harm,prob)",
        "retrain.policy=every-0",
        "retrain.policy=7",
        "retrain.attempts=0",
        "retrain.budget=-1",
        "retrain.min_labels=0",
        "retrain.min_gain=1",
        "retrain.cost=.inf",
        "retrain.window=recent",
        "retrain.window=0",
    ],
)
def test_value_outside_its_bounds_is_refused(override):
    error = refusal(override)
    assert error.code == "CFG005"
    of_section = ("ingest.start=2013", "features", "tune.families={}")  # rules over more than one key
    assert error.where == f"--set {override}" or override.startswith(of_section)


@pytest.mark.parametrize(
    "override",
    [
        "seed=0",
        "seed=4294967295",
        "evaluate.threshold=0",
        "evaluate.threshold=1",
        "evaluate.threshold=null",
        "evaluate.threshold={precision: 1}",
        "evaluate.threshold={recall: 0.7}",
        "gate.metric=r2",
        "gate.metric=balanced_accuracy",
        "features={rare_category: 1, test_share: 0.2}",
        "tune.families={linear: {alpha: {float: [0.1, 10]}}}",
        "train={}",
        "evaluate={}",
        "labels.coverage=1",
        "harm.tolerance=0",
        "harm.loss=error",
        "retrain.attempts=1",
    ],
)
def test_value_on_its_bound_is_accepted(override):
    found: Any = Params.load(FILE, [override]).model_dump(mode="json", by_alias=True)
    names, _, text = override.partition("=")
    for name in names.split("."):
        found = found[name]
    assert holds(found, yaml.safe_load(text))


def test_params_are_frozen(params):
    with pytest.raises(ValueError, match="frozen"):
        params.tune.trials = 3


# -- overrides ----------------------------------------------------------------------------------------------------


def test_override_changes_that_value_and_nothing_else(params):
    changed = Params.load(FILE, ["tune.trials=5"])
    assert changed.tune.trials == 5
    assert changed.tune != params.tune
    assert changed.model_copy(update={"tune": params.tune}) == params


def test_later_override_wins():
    assert Params.load(FILE, ["tune.trials=5", "tune.trials=6"]).tune.trials == 6


def test_override_may_hold_an_equals_sign_and_structure():
    values = Params.load(FILE, ["tune.families={logistic: {solver: {values: [a=b, null, 2, true]}}}"]).tune.families
    assert values["logistic"]["solver"].values == ("a=b", None, 2, True)


@pytest.mark.parametrize(
    ("override", "code", "where", "hint"),
    [
        ("tune.trails=5", "CFG004", "--set tune.trails=5", "Did you mean 'trials'?"),
        ("tun.trials=5", "CFG004", str(FILE), "Did you mean 'tune'?"),
        ("tune.families.logistic.C.flot=5", "CFG004", "--set tune.families.logistic.C.flot=5", "'float'"),
        ("tune.trials", "CFG006", "--set", "--set tune.trials=5"),
        ("=5", "CFG006", "--set", "--set tune.trials=5"),
        ("tune..trials=5", "CFG006", "--set", "--set tune.trials=5"),
        ("seed.value=5", "CFG006", "--set seed.value", "Set seed itself."),
        ("tune.trials=[5", "CFG006", "--set tune.trials", "Correct the value"),
        ("ingest.end=2013-02-29", "CFG006", "--set ingest.end", "Correct the value"),
    ],
)
def test_wrong_override_is_refused_with_what_to_write(override, code, where, hint):
    error = refusal(override)
    assert (error.code, error.where.replace("--set tun.trials=5", str(FILE))) == (code, where)
    assert hint in error.next_step


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"])),
)


@given(st.lists(SCALARS, min_size=1, max_size=5))
def test_override_gives_back_every_value_with_its_type(values):
    text = json.dumps({"values": values}, ensure_ascii=False)
    found = Distribution.model_validate(_overridden(f"x.y={text}"))
    numbers_as_text = [v if isinstance(v, float) and "." not in repr(v) else None for v in values]
    for read, written, exponent in zip(found.values or (), values, numbers_as_text, strict=True):
        if exponent is not None:  # YAML 1.1 reads 1e-05 as text; a number field turns it back
            assert float(read) == written
        else:
            assert (type(read), read) == (type(written), written)


def _overridden(override: str) -> Any:
    from evergreen.config.params.params import _set

    data: dict[str, Any] = {}
    _set(data, override)
    return data["x"]["y"]


@given(
    st.integers(0, 2**32 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(date(1900, 1, 1), date(2012, 12, 31)),
)
def test_override_gives_back_numbers_and_dates(seed, floor, start):
    found = Params.load(FILE, [f"seed={seed}", f"gate.floor={floor!r}", f"ingest.start={start}"])
    assert (found.seed, found.ingest.start) == (seed, start)
    assert found.gate.floor == floor
    assert math.copysign(1, found.gate.floor) == math.copysign(1, floor)


# -- what steps are given -----------------------------------------------------------------------------------------


def test_for_period_changes_the_period_only(params):
    later = params.for_period(date(2013, 4, 1), date(2013, 5, 1))
    assert (later.ingest.start, later.ingest.end) == (date(2013, 4, 1), date(2013, 5, 1))
    assert later.model_copy(update={"ingest": params.ingest}) == params
    assert params.ingest.start == date(2013, 1, 1)


def test_for_period_refuses_an_empty_period(params):
    with pytest.raises(ValueError, match="must lie before"):
        params.for_period(date(2013, 5, 1), date(2013, 5, 1))


@pytest.mark.parametrize("name", [field.alias or name for name, field in Params.model_fields.items()])
def test_section_is_found_by_the_word_in_the_file(params, name):
    if name not in ("seed", "dataset"):
        section = params.section(name)
        written = params.model_dump(mode="json", by_alias=True)[name]
        assert section.model_dump(mode="json", by_alias=True) == written


def test_analysis_is_part_of_what_is_evaluated(params):
    assert params.section("analyse") is params.evaluate


def test_params_survive_a_trip_through_json(params):
    assert Params.model_validate_json(params.model_dump_json()) == params


# -- no field does nothing ----------------------------------------------------------------------------------------


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for argument in get_args(annotation):
        yield from _models(argument)


def _attributes(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.fixture(scope="module")
def read_attributes() -> set[str]:
    """Every attribute that the code reads, and those that the config's own methods read if anybody calls them."""
    config = [
        path
        for place in ("config/params", "config/contract", "config/settings.py")
        for path in [*(PROJECT / "evergreen" / place).rglob("*.py"), PROJECT / "evergreen" / place]
        if path.is_file()
    ]
    trees = [PROJECT / name for name in ("evergreen", "tasks", "flows", "serving", "cli")]
    files = [path for tree in trees for path in tree.rglob("*.py") if path not in config]
    found = set().union(*(_attributes(ast.parse(path.read_text())) for path in files))
    nodes = [node for path in config for node in ast.walk(ast.parse(path.read_text()))]
    methods = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}
    waiting = found & methods.keys()
    while waiting:
        name = waiting.pop()
        more = _attributes(methods.pop(name))
        found |= more
        waiting |= more & methods.keys()
    return found


@pytest.mark.parametrize(
    ("model", "field"),
    sorted(
        {
            (model.__name__, field)
            for root in (Params, Contract, Settings)
            for model in _models(root)
            for field in model.model_fields
        }
    ),
)
def test_every_config_field_is_read_by_code_that_runs(read_attributes, model, field):
    is_section_of_step = model == "Params" and field.rstrip("_") in STEPS  # fetched by its word
    assert is_section_of_step or field in read_attributes, f"{model}.{field} does nothing"
