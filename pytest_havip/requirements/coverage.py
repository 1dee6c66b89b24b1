"""Which tests prove which requirement, read from the suites' text without running them."""

import ast
from importlib.util import find_spec
from pathlib import Path

__all__ = ["proofs", "suites_folder"]


def suites_folder() -> Path:
    """Return the folder of the installed conformance tests, wherever the package is installed.

    Raises:
        FileNotFoundError: If the package was installed without them.
    """
    spec = find_spec("pytest_havip.suites")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            "pytest_havip.suites is not installed, so there are no conformance tests to run; "
            "install the package again: python -m pip install --force-reinstall pytest-havip",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def proofs(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return, for each requirement id that tests name, the tests as ``file::test``.

    Args:
        folder: Where the test files are.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for test in ast.walk(tree):
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                for identifier in _named(test):
                    found.setdefault(identifier, []).append(f"{path.name}::{test.name}")
    return {identifier: tuple(dict.fromkeys(tests)) for identifier, tests in found.items()}


def _named(test: ast.FunctionDef) -> list[str]:
    """Return the ids in a test's decorators: its own, and those of single parameters."""
    return [
        argument.value
        for decorator in test.decorator_list
        for call in ast.walk(decorator)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "requirement"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
