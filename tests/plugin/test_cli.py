from collections.abc import Callable

import pytest

from pytest_havip.cli import main
from pytest_havip.lab import checks

FINE = checks.Check("nft", "ok", "1.0.6", "")
ODD = checks.Check("br_netfilter", "warn", "loaded", "nothing, it is switched off in the lab")
LACKING = checks.Check("user namespaces", "fail", "forbidden", "sysctl -w some.setting=1")

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    def has(*found: checks.Check) -> None:
        monkeypatch.setattr("pytest_havip.preflight.checks", lambda: list(found))
        monkeypatch.setattr("pytest_havip.preflight.find_postgres", lambda _: "/usr/bin/postgres")

    return has


def test_doctor_is_content(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine(FINE, ODD)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "all 3 checks passed" in shown
    assert "br_netfilter: nothing, it is switched off in the lab" in shown


def test_doctor_finds_what_is_missing(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine(FINE, LACKING)
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "user namespaces: sysctl -w some.setting=1" in shown
    assert "1 of 3 checks failed" in shown


@pytest.mark.parametrize("name", ["keepalived", "haproxy", "ping"])
def test_doctor_misses_what_the_bundled_tests_use(
    machine: Machine, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    machine(FINE, checks.Check(name, "warn", "not installed", "apt-get install it"))
    assert main(["doctor"]) == 1
    assert f"{name}: apt-get install it" in capsys.readouterr().out


def test_list_narrows_by_area_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--area", "spoof", "--level", "should"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) > 1
    assert all(line.startswith("HAVIP-SPOOF-") and " SHOULD " in line for line in shown[1:])


def test_list_refuses_what_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--area", "nowhere"]) == 2
    assert "choose from BIND" in capsys.readouterr().err


def test_explain_shows_the_seed_and_the_tests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "havip-quota-001"]) == 0
    shown = capsys.readouterr().out
    assert "每个 VPC 的 HAVIP 默认配额为 10 个。" in shown
    assert "test_quota.py::test_the_eleventh_is_refused_and_ten_work" in shown
    assert "pytest --havip -k HAVIP-QUOTA-001" in shown


def test_explain_refuses_an_unknown_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "HAVIP-BIND-01"]) == 2
    assert "Did you mean HAVIP-BIND-0" in capsys.readouterr().err


def test_no_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "COMMAND" in capsys.readouterr().err
