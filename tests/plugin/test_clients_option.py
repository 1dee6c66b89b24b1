"""Whose HA clients are tested, and which side alone."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_havip.clients import under_test
from pytest_havip.clients.under_test import GROUP, UnknownClient, find_clients

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

OWN = """
from pytest_havip.requirements import requirement


@requirement("HAVIP-BIND-001")
def test_of_the_network():
    pass


@requirement("HAVIP-TAKE-003")
def test_of_a_client():
    pass


@requirement("HAVIP-TAKE-003", "HAVIP-BIND-001")
def test_of_both():
    pass


def test_of_neither():
    pass
"""
DESCRIBED = """
[appliance]
name = "{0}"
[commands]
start = "run"
[traits.announcement]
count = 1
[traits.takeover]
start = 1
"""


def passed(result: pytest.RunResult) -> set[str]:
    return {line.split("::")[-1].split()[0] for line in result.outlines if "PASSED" in line}


@pytest.mark.parametrize(
    ("side", "names"),
    [
        ("client", {"test_of_a_client", "test_of_both"}),
        ("network", {"test_of_the_network", "test_of_both"}),
        ("both", {"test_of_the_network", "test_of_a_client", "test_of_both", "test_of_neither"}),
    ],
)
def test_one_side_runs_alone(pytester: pytest.Pytester, havip: Run, side: str, names: set[str]) -> None:
    pytester.makepyfile(test_own=OWN)
    assert passed(havip("-v", "--havip-only", side, "test_own.py")) == names


def test_there_are_two_sides(pytester: pytest.Pytester, havip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(test_own=OWN)
    monkeypatch.setenv("PYTEST_HAVIP_ONLY", "clients")
    result = havip("test_own.py")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: environment PYTEST_HAVIP_ONLY is 'clients'; it must be client, network or both"]
    )


@pytest.mark.parametrize("more", [(), ("-n2",), ("--collect-only",)])
def test_an_unknown_client_ends_the_run_at_once(pytester: pytest.Pytester, havip: Run, more: tuple[str, ...]) -> None:
    pytester.makepyfile(test_own=OWN)
    result = havip("--havip-client", "acme", *more, "test_own.py")
    assert result.ret == 4
    (message,) = [line for line in result.errlines if line]
    assert message.startswith("ERROR: --havip-client: there is no client 'acme' to test. There are: bundled; ")


def test_a_mistake_in_a_description_ends_the_run_with_its_line(pytester: pytest.Pytester, havip: Run) -> None:
    pytester.makepyfile(test_own=OWN)
    path = pytester.path / "acme.toml"
    path.write_text(DESCRIBED.format("acme").replace("start = 1", "started = 1"))
    pytester.makeini("[pytest]\nhavip_client = acme.toml")
    result = havip("test_own.py")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [f"ERROR: havip_client in *tox.ini: {path}:9: there is no key 'started' in *; did you mean 'start'?"]
    )


def test_a_client_of_ones_own_takes_our_clients_place(pytester: pytest.Pytester) -> None:
    (pytester.path / "acme.toml").write_text(DESCRIBED.format("acme"))
    arguments = ("--havip", "--collect-only", "-q", "--havip-only", "client", "--havip-client")
    result = pytester.runpytest_subprocess(*arguments, "acme.toml")
    collected = {line.partition("::")[0] for line in result.outlines if "::" in line}
    assert {Path(path).name for path in collected} == {"test_takeover_client.py"}
    assert not [line for line in result.outlines if "keepalived" in line]
    beside = pytester.runpytest_subprocess(*arguments, "acme.toml,bundled")
    files = {Path(line.partition("::")[0]).name for line in beside.outlines if "::" in line}
    assert {"test_takeover_client.py", "test_takeover.py", "test_client_conduct.py"} <= files
    assert [line for line in beside.outlines if "test_one_owner_is_elected[acme]" in line]


def test_the_header_and_the_replay_line_name_the_client(pytester: pytest.Pytester, havip: Run) -> None:
    pytester.makepyfile(test_own=OWN.replace("    pass", "    assert False", 1))
    path = pytester.path / "acme.toml"
    path.write_text(DESCRIBED.format("acme"))
    result = havip("--havip-client", "acme.toml", "test_own.py")
    result.stdout.fnmatch_lines(["havip: clients acme (--havip-client)"])
    result.stdout.fnmatch_lines([f"*pytest --havip --havip-target reference --havip-client {path} *"])


def test_devices_are_lent_by_root_alone_and_only_if_they_are_there(pytester: pytest.Pytester, havip: Run) -> None:
    pytester.makepyfile(test_own=OWN)
    lent = '[network]\nattachment = "device"\ndevices = ["nobody0", "nobody1"]\n'
    (pytester.path / "acme.toml").write_text(DESCRIBED.format("acme") + lent)
    result = havip("--havip-client", "acme.toml", "test_own.py")
    assert result.ret == 4
    result.stderr.re_match_lines([r"ERROR: --havip-client: .*nobody0"])


def test_an_entry_point_offers_a_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = SimpleNamespace(name="acme", setting=None, traits=None, form=lambda *_: None)
    points = [
        EntryPoint("acme", "acme_tests:client", GROUP),
        EntryPoint("broken", "acme_tests:broken", GROUP),
    ]
    monkeypatch.setattr(under_test, "entry_points", lambda group: EntryPoints(points).select(group=group))
    monkeypatch.setitem(__import__("sys").modules, "acme_tests", SimpleNamespace(client=made, broken=7))
    assert find_clients(["acme"], tmp_path) == (made,)
    with pytest.raises(UnknownClient, match=r"broken \(acme_tests:broken\) is 7; it must have name, setting"):
        find_clients(["broken"], tmp_path)
    with pytest.raises(UnknownClient, match="There are: bundled, acme, broken;"):
        find_clients(["acne"], tmp_path)


def test_no_two_clients_have_one_name(tmp_path: Path) -> None:
    for file in ("a.toml", "b.toml"):
        (tmp_path / file).write_text(DESCRIBED.format("acme"))
    with pytest.raises(UnknownClient, match="two clients have one name among acme, acme"):
        find_clients(["a.toml", "b.toml"], tmp_path)
