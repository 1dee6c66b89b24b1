"""What the documentation promises is what the code does."""

import re
from pathlib import Path

import pytest

from pytest_havip.options import OPTIONS
from pytest_havip.reports import Verdict

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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8"))
    assert not [target for target in targets if "://" not in target and not (document.parent / target).exists()]


def test_every_folder_of_the_package_is_on_the_map() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    folders = [path.name for path in (ROOT / "pytest_havip").iterdir() if (path / "__init__.py").exists()]
    assert not [name for name in folders if f"  {name}/" not in text]
