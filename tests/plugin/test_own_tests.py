"""Somebody's own tests with our fixtures, on real machines: as the guide shows them, and what failing ones leave."""

import re
from pathlib import Path
from typing import Any

import pytest
from scapy.utils import RawPcapNgReader

pytest_plugins = ["pytester"]

USAGE = Path(__file__).parents[2] / "docs/usage.md"
#: "172.17.16.3 says: it is mine", as a request: operation, sender's MAC and address, target's MAC and address.
ANNOUNCEMENT = re.compile(
    rb"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01.{6}\xac\x11\x10\x03.{6}\xac\x11\x10\x03", re.DOTALL
)

FAILING = """
import pytest
from pytest_havip.fixtures.stage import Stage
from pytest_havip.requirements import requirement


@pytest.fixture(scope="module")
def scene(lab, target, request):
    with Stage.build(lab, target) as stage:
        stage.attach_to(request)
        subnet = stage.subnet()
        machine = stage.launch("shared", subnet)
        observer = stage.observer(subnet, prefix="shared ")
        havip = target.create_havip(subnet, address="172.17.16.3")
        machine.announce(havip.address)
        observer.wait_for_owner(havip.address, machine)
        yield observer.owner_of(havip.address)


@requirement("HAVIP-BIND-001")
def test_of_a_shared_scene(scene):
    assert scene is None


@requirement("HAVIP-BIND-003")
def test_of_its_own(havip, a, observer, bind):
    bind(a, havip)
    assert observer.owner_of(havip.address) is None
"""


def test_the_example_of_the_guide_runs(pytester: pytest.Pytester) -> None:
    section = USAGE.read_text(encoding="utf-8").partition("## Your own tests")[2]
    code, command = (re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)[0] for kind in ("python", "console"))
    program, *arguments = command.removeprefix("$ ").split()
    (name,) = (argument for argument in arguments if argument.endswith(".py"))
    pytester.makepyfile(**{name.removesuffix(".py"): code})
    assert program == "pytest"
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["BIND *1 pass, *"])


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_failing_tests_leave_the_wire_and_a_ladder_and_say_where(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_own=FAILING)
    result = pytester.runpytest_subprocess("--havip", "test_own.py", *workers)
    result.assert_outcomes(failed=2)
    for test, host in (("test_of_a_shared_scene", "shared"), ("test_of_its_own", "a")):
        (folder,) = (pytester.path / "havip-evidence").glob(f"{test}-*")
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["ladder.txt", "wire.pcapng"]
        for name in names:
            result.stdout.fnmatch_lines_random([f"*havip-evidence/{folder.name}/{name}"])
        with RawPcapNgReader(str(folder / "wire.pcapng")) as reader:
            packets: list[tuple[bytes, Any]] = list(reader)
        heard = {meta.ifname.decode() for data, meta in packets if ANNOUNCEMENT.search(data)}
        assert {f"{host}/eth0"} < heard, "the machine that announced, and those that heard it"
        ladder = (folder / "ladder.txt").read_text(encoding="utf-8")
        assert re.search(
            rf"^ +[\d.]+ ms  {host} +sends .* ARP who has 172.17.16.3 says 172.17.16.3$", ladder, re.MULTILINE
        )
