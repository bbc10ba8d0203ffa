"""Faults in YAML files are named with their line and, for a misspelt key, with the likely spelling."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evergreen.base import documents
from evergreen.base.errors import ConfigError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    whole: int | None = Field(None, alias="int")
    log: bool = False


class Circle(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["circle"]
    radius: float


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["square"]
    side: float


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    trials: int
    check_: Part = Field(Part(), alias="check")
    spaces: dict[Literal["trees", "linear"], dict[str, Part]] = {}
    shapes: tuple[Annotated[Circle | Square, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _even(self) -> "Document":
        if self.trials % 2:
            raise ValueError(f"trials must be even, but got {self.trials}")
        return self


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "some.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def load(path: Path) -> Document:
    data, lines = documents.read(path)
    return documents.check(Document, data, source=str(path), lines=lines)


@pytest.fixture
def refusal(write):
    """Return the error that a document of that text is refused with; `where` loses the folder."""

    def refusal(text: str | bytes) -> ConfigError:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert 2 <= len(caught.value.block().splitlines()) <= 4
        caught.value.where = caught.value.where.replace(str(path), "F")
        return caught.value

    return refusal


def test_read_returns_data_and_the_line_of_every_key(write):
    data, lines = documents.read(write("# comment\na: 1\nb:\n  c: [x, y]\n  d:\n    - 2\n    - e: 3\n"))
    assert data == {"a": 1, "b": {"c": ["x", "y"], "d": [2, {"e": 3}]}}
    assert lines == {
        ("a",): 2,
        ("b",): 3,
        ("b", "c"): 4,
        ("b", "c", 0): 4,
        ("b", "c", 1): 4,
        ("b", "d"): 5,
        ("b", "d", 0): 6,
        ("b", "d", 1): 7,
        ("b", "d", 1, "e"): 7,
    }


def test_read_returns_nothing_for_a_file_of_comments(write):
    assert documents.read(write("# every key has a default\n")) == ({}, {})


def test_read_resolves_anchors_and_merges(write):
    data, _ = documents.read(write("a: &base {x: 1, y: 2}\nb:\n  <<: *base\n  y: 3\n"))
    assert data["b"] == {"x": 1, "y": 3}


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        documents.read(tmp_path / "none.yaml")
    assert caught.value.code == "CFG001"
    assert caught.value.where == str(tmp_path / "none.yaml")


@pytest.mark.parametrize("content", [b"a: \xff\xfe", None], ids=["not text", "a folder"])
def test_file_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "some.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        documents.read(path)
    assert caught.value.code == "CFG001"


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("trials: 2\nshapes: [1,\n", "F:3", "not valid YAML"),
        ("trials: 2\n\tx: 1\n", "F:2", "not valid YAML"),
        ("- 1\n- 2\n", "F", "expected a mapping"),
        ("only words\n", "F", "expected a mapping"),
        ("trials: 2\x01\n", "F", "not valid YAML"),
        ("trials: 2\nday: 2013-02-30\n", "F:2", "'2013-02-30'"),
        ("trials: !!int two\n", "F:1", "'two'"),
        ("trials: !!python/object/apply:os.getcwd []\n", "F:1", "could not determine a constructor"),
        ("trials: &loop [*loop]\n", "F:1", "deeper than 50"),
        ("trials: 2\nno: 1\n", "F:2", "as bool, not as text"),
        ("1: 2\n", "F:1", "as int, not as text"),
        ("? [a, b]\n: 2\n", "F:1", "as seq, not as text"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(refusal, text, where, what):
    error = refusal(text)
    assert (error.code, error.where) == ("CFG002", where)
    assert what in error.what


def test_key_that_stands_twice_is_refused_with_both_lines(refusal):
    error = refusal("trials: 2\ncheck:\n  log: true\n  int: 3\n  log: false\n")
    assert error.code == "CFG003"
    assert (error.where, error.what) == ("F:5", "key 'log' stands twice, first in line 3")


def test_same_key_in_two_sections_is_fine(write):
    data, _ = documents.read(write("a: {log: 1}\nb: {log: 2}\n"))
    assert data == {"a": {"log": 1}, "b": {"log": 2}}


@pytest.mark.parametrize(
    ("text", "where", "key", "hint"),
    [
        ("trails: 2\n", "F:1", "trails", "Did you mean 'trials'?"),
        ("trials: 2\nchek:\n  log: true\n", "F:2", "chek", "Did you mean 'check'?"),
        ("trials: 2\ncheck:\n  lgo: true\n", "F:3", "check.lgo", "Did you mean 'log'?"),
        ("trials: 2\ncheck: {itn: 4}\n", "F:2", "check.itn", "Did you mean 'int'?"),
        ("trials: 2\nspaces:\n  trees:\n    depth:\n      itn: 4\n", "F:5", "spaces.trees.depth.itn", "'int'"),
        # a hyperparameter may bear the name of a field
        ("trials: 2\nspaces:\n  trees:\n    log:\n      itn: 4\n", "F:5", "spaces.trees.log.itn", "'int'"),
        ("trials: 2\nshapes:\n  - kind: circle\n    raduis: 4\n", "F:4", "shapes.0.circle.raduis", "'radius'"),
        ("trials: 2\ncheck: {zzz: 4}\n", "F:2", "check.zzz", "Known here: int, log."),
    ],
)
def test_misspelt_key_is_refused_with_line_and_suggestion(refusal, text, where, key, hint):
    error = refusal(text)
    assert (error.code, error.where) == ("CFG004", where)
    assert error.what == f"unknown key '{key}'"
    assert hint in error.next_step


def test_misspelt_key_is_reported_before_the_missing_one_that_it_causes(refusal):
    assert refusal("trails: 2\n").code == "CFG004"


def test_missing_key_is_named_with_the_line_of_its_section(refusal):
    error = refusal("trials: 2\nshapes:\n  - {kind: circle, radius: 1}\n  - {kind: square}\n")
    assert (error.code, error.where, error.next_step) == ("CFG005", "F:4", "Add it.")
    assert error.what == "key 'shapes.1.square.side' is missing"


@pytest.mark.parametrize(
    ("text", "where", "what", "hint"),
    [
        ("trials: many\n", "F:1", "'trials': Input should be a valid integer", "Correct the value."),
        ("trials: 2\ncheck: 5\n", "F:2", "'check': Input should be a valid dictionary", "Correct the value."),
        ("trials: 2\nspaces: {tress: {}}\n", "F:2", "'spaces.tress'", "Did you mean 'trees'?"),
        ("trials: 2\nshapes:\n  - kind: sqare\n", "F:3", "'shapes.0'", "Did you mean 'square'?"),
        ("trials: 3\n", "F", "trials must be even, but got 3", "Correct the value."),
    ],
)
def test_wrong_value_is_refused_with_line_and_what_arrived(refusal, text, where, what, hint):
    error = refusal(text)
    assert (error.code, error.where, error.next_step) == ("CFG005", where, hint)
    assert what in error.what


def test_further_faults_are_counted(refusal):
    assert refusal("trials: many\ncheck: 5\n").what.endswith("got 'many' (1 more)")
    assert refusal("trials: 2\na: 1\nb: 2\nc: 3\n").what == "unknown key 'a' (2 more)"


def test_long_value_is_shown_only_in_part(refusal):
    assert len(refusal(f"trials: {'x' * 10_000}\n").what) < 250


def test_place_may_be_a_command_line_option_instead_of_a_line():
    with pytest.raises(ConfigError) as caught:
        documents.check(Document, {"trials": "x"}, source="F", lines={("trials",): "--set trials=x"})
    assert caught.value.where == "--set trials=x"


def test_check_returns_the_typed_model(write):
    found = load(write("trials: 4\ncheck: {int: 3}\nspaces: {trees: {depth: {log: true}}}\n"))
    assert (found.trials, found.check_.whole, found.spaces["trees"]["depth"].log) == (4, 3, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("[a, 1]", ["a", 1]), ("", None), ("'5'", "5"), ("{a: true}", {"a": True}), ("a b", "a b")],
)
def test_value_reads_one_yaml_value(text, expected):
    assert documents.value(text) == expected


NINE = ",".join(["x"] * 9)
LARGE = {
    "200,000 lines": ("".join(f"key{i}: {i}\n" for i in range(200_000)), "more than 300,000 values"),
    "a list of commas": (f"a: [{'1,' * 310_000}]\n", "more than 300,000 values"),
    "one long text": (f"a: {'x' * 8_000_001}\n", "larger than 8 MB"),
    "aliases of aliases": (
        f"a0: &a0 [{NINE}]\n" + "".join(f"a{i}: &a{i} [{NINE.replace('x', f'*a{i - 1}')}]\n" for i in range(1, 12)),
        "more than 300,000 values",
    ),
    "merges of merges": (
        "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40)),
        "more than 300,000 values",
    ),
    "a list that holds itself": ("a: &a [*a]\n", "deeper than 50"),
    "lists in lists": ("a: " + "[" * 100_000, "deeper than 50"),
    "sections in sections": ("".join(f"{' ' * i}a:\n" for i in range(1_500)), "deeper than 50"),
    "aliases in aliases": (
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 3_000)),
        "deeper than 50",
    ),
}


@pytest.mark.parametrize(("text", "what"), LARGE.values(), ids=LARGE)
def test_document_that_is_larger_than_people_write_is_refused_before_it_is_built(refusal, text, what, monkeypatch):
    monkeypatch.setattr(yaml.constructor.BaseConstructor, "construct_document", lambda *_: pytest.fail("it was built"))
    error = refusal(text)
    assert (error.code, error.next_step) == ("CFG002", "Say it in less.")
    assert error.what.startswith(what)


def test_override_is_bounded_too():
    with pytest.raises(yaml.YAMLError, match="deeper than 50"):
        documents.value("&a [*a]")


def test_contract_of_2000_columns_is_small_enough(write):
    column = "{type: category, role: feature, nullable: true, values: [a, b, c, d], max_null_share: 0.1}"
    data, lines = documents.read(write("".join(f"c{i}: {column}\n" for i in range(2_000))))
    assert len(data) == 2_000
    assert lines["c1999", "values"] == 2_000
