"""What the documentation promises is what the code does."""

import re
from pathlib import Path

import pytest

from pytest_havip.options import OPTIONS
from pytest_havip.reports import Verdict
from pytest_havip.requirements import catalogue
from pytest_havip.requirements.table import document

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_options_are_those_of_the_table() -> None:
    usage = (ROOT / "docs/usage.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--\S+)` \| `(\S+)` \| `(\S+)` \| (\S+) \|", usage, re.MULTILINE)
    assert rows == [(option.flag, option.ini, option.variable, option.default) for option in OPTIONS]


def test_the_verdicts_are_those_of_the_ladder() -> None:
    usage = (ROOT / "docs/usage.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z-]+) \| .* \| (green|red) \|", usage, re.MULTILINE)
    assert rows == [(verdict.value, "red" if verdict.reddens else "green") for verdict in Verdict]


def test_the_requirements_are_those_of_the_catalogue() -> None:
    committed = (ROOT / "docs/requirements.md").read_text(encoding="utf-8")
    assert committed == document(), "python -m pytest_havip.requirements.table > docs/requirements.md"
    assert re.findall(r"^\| (HAVIP-\S+) \| \S+ \|", committed, re.MULTILINE) == list(catalogue())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    assert not [target for target in targets if "://" not in target and not (path.parent / target).exists()]


def test_every_folder_of_the_package_is_on_the_map() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    folders = [path.name for path in (ROOT / "pytest_havip").iterdir() if (path / "__init__.py").exists()]
    assert not [name for name in folders if f"  {name}/" not in text]
