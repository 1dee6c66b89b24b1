"""docs/vendors.md is carried out: its examples play, its tables are the code's, and its recipes are no nonsense."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml  # type: ignore[import-untyped]

from pytest_havip.cli.command import _parser
from pytest_havip.clients.appliance.file import ANNOUNCEMENT, CAUSES, KEYS
from pytest_havip.clients.appliance.placeholders import ABOUT
from pytest_havip.options import OPTIONS

DOCUMENT = Path(__file__).parents[2] / "docs/vendors.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
FILES = dict(re.findall(r"^\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^\$ (.*)$", TEXT, re.MULTILINE)
TIMEOUT = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vendors")
    for name, content in FILES.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (made / "acme-ha").chmod(0o755)
    return made


def start(folder: Path, name: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pytest", "--havip", "-c", os.devnull, "-p", "no:cacheprovider"]
    command += [*arguments, "--havip-evidence=", "--junitxml", str(folder / f"{name}.xml")]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def runs(folder: Path) -> Iterator[dict[str, str]]:
    """What the runs printed; they wait for real timers, so they wait at the same time."""
    described = ("--havip-client", "acme.toml,forgetful.toml", "--havip-only", "client")
    started = {"described": start(folder, "described", *described), "own": start(folder, "own", "test_by_hand.py")}
    try:
        yield {name: run.communicate(timeout=TIMEOUT)[0] for name, run in started.items()}
    finally:
        for run in started.values():
            run.kill()
            run.wait()


def verdicts(folder: Path, name: str) -> dict[str, dict[str, str]]:
    """The verdict of each test, by its name, with its requirements."""
    found = {}
    for case in ET.parse(folder / f"{name}.xml").iter("testcase"):
        properties = [(each.attrib["name"], each.attrib["value"]) for each in case.iter("property")]
        found[case.attrib["name"]] = dict(properties)
    return found


def test_acme_passes_all_that_it_declares(runs: dict[str, str], folder: Path) -> None:
    seen = {name: found["havip_verdict"] for name, found in verdicts(folder, "described").items() if "[acme" in name}
    passed = {name for name, verdict in seen.items() if verdict == "pass"}
    assert set(seen.values()) == {"pass", "unsupported"}, runs["described"][-3000:]
    assert len(passed) == 20
    for fault in ("graceful stop", "planned move", "kill -9", "link cut", "host dead", "machine frozen"):
        assert f"test_the_standby_takes_over[acme-{fault}]" in passed
        assert re.search(rf"^acme +{fault} +taken over", runs["described"], re.MULTILINE)
    assert "test_the_standby_takes_over[acme-service dead]" not in passed


def test_the_forgetful_one_breaks_exactly_its_requirement(runs: dict[str, str], folder: Path) -> None:
    seen = verdicts(folder, "described")
    red = {
        found["havip_requirement"]: found["havip_verdict"]
        for found in seen.values()
        if found["havip_verdict"] not in {"pass", "unsupported"}
    }
    assert red == {"HAVIP-TAKE-026": "fail"}, runs["described"][-3000:]
    assert seen["test_the_standby_takes_over[forgetful-graceful stop]"]["havip_verdict"] == "pass"
    assert seen["test_the_clients_conduct[forgetful-gives up the address]"]["havip_verdict"] == "fail"


def test_our_clients_do_not_play_unless_they_are_named(runs: dict[str, str]) -> None:
    assert "havip: clients acme, forgetful (--havip-client)" in runs["described"]
    assert not re.search(r"^(keepalived|wsfc|arping)", runs["described"], re.MULTILINE)


def test_a_file_of_ones_own_may_bring_the_client(runs: dict[str, str], folder: Path) -> None:
    seen = {name: found["havip_verdict"] for name, found in verdicts(folder, "own").items()}
    assert set(seen.values()) == {"pass", "unsupported"}, runs["own"][-3000:]
    assert seen["test_the_standby_takes_over[planned move]"] == "pass"
    assert re.search(r"^operator|^arping -U +planned move +taken over", runs["own"], re.MULTILINE)


def test_the_tables_are_the_codes() -> None:
    described = TEXT.partition("| table | key |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (?:`\[(\w+)\]`)? ?\| (?:`(\w+)`|any path) \|", described, re.MULTILINE)
    table = ""
    keys: dict[str, list[str]] = {name: [] for name in KEYS}
    for name, key in rows:
        table = name or table
        keys[table] += [key] if key else []
    assert {name: tuple(found) for name, found in keys.items()} == KEYS
    assert dict(re.findall(r"^\| `\{(\w+)\}` \| (.*) \|$", TEXT, re.MULTILINE)) == ABOUT
    assert [word for word in ANNOUNCEMENT if f"`{word}`" not in TEXT] == []
    faults = TEXT.partition("| key | fault |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", faults, re.MULTILINE) == list(CAUSES)


def test_the_workflow_is_yaml_with_our_commands() -> None:
    workflow = yaml.safe_load(FILES[".github/workflows/takeover.yml"])
    (job,) = workflow["jobs"].values()
    said = [step.get("run", "") for step in job["steps"]]
    assert job["runs-on"]
    assert any('havip)" doctor' in line for line in said)
    assert any("--havip-client appliance.toml" in line for line in said)
    assert all({"uses", "run"} & step.keys() for step in job["steps"])


def test_the_container_recipe_has_instructions_only() -> None:
    lines = FILES["Containerfile"].replace("\\\n", " ").splitlines()
    assert {line.split()[0] for line in lines} == {"FROM", "RUN", "ENV", "WORKDIR", "ENTRYPOINT"}
    assert lines[0].startswith("FROM ")


def test_every_option_and_command_exists() -> None:
    text = "\n".join((*FILES.values(), *COMMANDS))
    flags = {option.flag for option in OPTIONS}
    assert {flag for flag in re.findall(r"--havip[a-z-]*", text) if flag not in flags} == set()
    for command in re.findall(r"havip\)?\"? ([a-z]+)$", text, re.MULTILINE):
        _parser().parse_args([command])


def test_the_shell_scripts_parse() -> None:
    for name in ("acme-ha",):
        subprocess.run(["/bin/sh", "-n"], input=FILES[name], text=True, check=True)
