"""Where PostgreSQL's programs are looked for, and what is said where there are none."""

from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from pytest_havip import preflight
from pytest_havip.clients import postgres, program
from pytest_havip.clients.base import Node
from pytest_havip.clients.postgres import find_postgres
from pytest_havip.clients.program import ProgramMissing
from pytest_havip.fixtures.replication import form_with_keepalived, form_with_wsfc

if TYPE_CHECKING:
    from pytest_havip.lab import Host


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for versions of PostgreSQL, the only ones of this machine."""
    monkeypatch.setattr(postgres, "_FOLDERS", (f"{tmp_path}/*/bin",))
    monkeypatch.setattr(program, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_newest_version_is_taken(installed: Path) -> None:
    for version in ("9.6", "15", "14"):
        psql = installed / version / "bin" / "psql"
        psql.parent.mkdir(parents=True)
        psql.touch(0o755)
    assert find_postgres("psql") == str(installed / "15" / "bin" / "psql")


@pytest.mark.usefixtures("installed")
def test_where_it_is_missing_the_use_case_is_unsupported() -> None:
    node = Node(cast("Host", SimpleNamespace(name="a")), IPv4Address("172.17.16.7"))
    for form in (form_with_keepalived, form_with_wsfc):
        with pytest.raises(ProgramMissing, match=r"psql is not installed .* apt-get install postgresql"):
            form([node], [], node)
    check = preflight._postgres()
    assert (check.name, check.status) == ("postgres", "warn")
    assert "apt-get install postgresql" in check.remedy
