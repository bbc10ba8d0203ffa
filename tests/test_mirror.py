"""Every module with behaviour has a test of the mirrored path: its subject is found where its name says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("evergreen", "tasks", "flows", "serving", "cli")
# Modules without one, each with the reason. There are none: a new module brings its test.
WITHOUT: dict[str, str] = {}


def has_behaviour(module: Path) -> bool:
    """Return whether a module defines a function or a class with a method, and not only values."""
    return any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(ast.parse(module.read_text()))
    )


def mirrored(module: Path) -> tuple[Path, ...]:
    """Return where the test of a module may lie: that of a package inside its folder or beside it."""
    folder = Path("tests") / module.parent
    if module.name == "__init__.py":
        name = f"test_{module.parent.name}.py"
        return folder / name, folder.parent / name
    return (folder / f"test_{module.stem.strip('_')}.py",)


MODULES = sorted(
    path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py") if has_behaviour(path)
)


def test_modules_without_a_mirrored_test_are_those_that_are_listed_with_a_reason() -> None:
    without = [str(module) for module in MODULES if not any((ROOT / test).exists() for test in mirrored(module))]
    assert without == sorted(WITHOUT)


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("evergreen/base/files.py", ["tests/evergreen/base/test_files.py"]),
        ("tasks/__main__.py", ["tests/tasks/test_main.py"]),
        (
            "evergreen/adapters/onnx_export/__init__.py",
            [
                "tests/evergreen/adapters/onnx_export/test_onnx_export.py",
                "tests/evergreen/adapters/test_onnx_export.py",
            ],
        ),
    ],
)
def test_module_is_mirrored_by_the_test_of_its_name(module: str, tests: list[str]) -> None:
    assert Path(module) in MODULES
    assert [str(path) for path in mirrored(Path(module))] == tests


def test_module_of_values_alone_needs_no_test() -> None:
    assert not {Path("flows/__init__.py"), Path("evergreen/config/params/drift.py")} & {*MODULES}
