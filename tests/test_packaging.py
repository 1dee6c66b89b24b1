"""What is installed is what is in the tree."""

import tomllib
from pathlib import Path

import pytest_havip

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_installed() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "pytest_havip").rglob("__init__.py")} | {
        "pytest_havip.suites",
        "pytest_havip.fixtures",
    }
    assert sorted(SETTINGS["tool"]["setuptools"]["packages"]) == sorted(found)


def test_every_folder_with_python_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "pytest_havip").rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def test_the_version_has_one_source() -> None:
    assert SETTINGS["project"]["dynamic"] == ["version"]
    assert f"## {pytest_havip.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_files_beside_the_code_are_installed() -> None:
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]["pytest_havip"]
    package = ROOT / "pytest_havip"
    covered = {path for pattern in patterns for path in package.glob(pattern)}
    others = {path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert not others - covered


def test_the_corpus_is_installed() -> None:
    (pattern,) = SETTINGS["tool"]["setuptools"]["package-data"]["pytest_havip.suites"]
    covered = set((ROOT / "suites").glob(pattern))
    assert covered
    others = {path for path in (ROOT / "suites").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert others == covered
