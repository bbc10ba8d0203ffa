"""The shape of the code: few loose modules, wings that hold code and not names, and functions called by name."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CODE = ("evergreen", "tasks", "flows")
WINGS = ("base", "config", "data", "learning", "decisions", "record")
PACKAGES = ("evergreen", "tasks", "flows", "serving", "cli")
MOST_POSITIONAL = 5
# `config.settings` reads the environment for all; what a bento is built and started with is the whole of it.
READS_ENVIRONMENT = {"evergreen/config/settings.py", "evergreen/adapters/packaging/starting.py"}


def modules(project: Path, *names: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules of packages by their paths."""
    for name in names:
        for path in sorted((project / name).rglob("*.py")):
            yield path.relative_to(project).as_posix(), ast.parse(path.read_bytes())


def positional(tree: ast.AST) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the line and the name of every function, and what it takes by position; not `self` and `cls`."""
    for holder in ast.walk(tree):
        for node in ast.iter_child_nodes(holder):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                taken = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
                static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)
                yield node.lineno, node.name, taken[isinstance(holder, ast.ClassDef) and not static :]


def test_arguments_that_are_taken_by_position_are_counted_without_self():
    code = "class A:\n def f(self, a, /, b, *, c): ...\n @staticmethod\n def g(a): ...\ndef h(a, b):\n def i(c): ..."
    assert sorted(positional(ast.parse(code))) == [
        (2, "f", ["a", "b"]),
        (4, "g", ["a"]),
        (5, "h", ["a", "b"]),
        (6, "i", ["c"]),
    ]


def test_no_function_takes_more_than_five_arguments_by_position(project):
    found = [
        f"{path}:{line} {name}({', '.join(taken)})"
        for path, tree in modules(project, *CODE)
        for line, name, taken in positional(tree)
        if len(taken) > MOST_POSITIONAL
    ]
    assert found == [], "take the later ones by keyword alone"


def test_few_modules_lie_loose_in_the_package(project):
    loose = {path.name for path in (project / "evergreen").glob("*.py")} - {"__init__.py"}
    assert {"project.py", "own_code.py"} <= loose
    assert len(loose) <= 3, sorted(loose)


@pytest.mark.parametrize("wing", ["", *WINGS])
def test_package_of_a_wing_holds_no_code(project, wing):
    tree = ast.parse((project / "evergreen" / wing / "__init__.py").read_bytes())
    assert len(tree.body) <= 1
    assert len(tree.body) == (ast.get_docstring(tree) is not None)


def reads_environment(tree: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os" and names & {each.name for each in node.names}:
            return True
    return False


def test_nothing_but_the_settings_reads_the_environment(project):
    assert {path for path, tree in modules(project, "evergreen") if reads_environment(tree)} == READS_ENVIRONMENT
    assert reads_environment(ast.parse("def f():\n    from os import getenv"))
    assert not reads_environment(ast.parse("settings.environment()"))


def test_module_on_no_layer_fails_the_import_rules_by_its_name(project, tmp_path):
    shutil.copy(project / "pyproject.toml", tmp_path / "pyproject.toml")
    for package in PACKAGES:
        shutil.copytree(project / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for place in ("evergreen", *(f"evergreen/{wing}" for wing in WINGS)):
        (tmp_path / place / "loose.py").touch()

    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    listed = done.stdout.replace("\n", " ")
    assert "evergreen.loose" in listed
    assert [wing for wing in WINGS if f"evergreen.{wing}.loose" not in listed] == []
