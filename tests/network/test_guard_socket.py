"""Commands that move elements go the short way, and are refused as a whole there too."""

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_havip.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_havip.lab import Completed, Host

_PROGRAM = """
import json, os, sys
from pytest_havip.network.dataplane.elements_socket import ElementsSocket
from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.nft import Nft
namespace = Namespace(os.open("/proc/self/ns/net", os.O_RDONLY))
nft, elements = Nft(namespace), ElementsSocket(namespace)
nft.run('''table bridge havip {
set senders { type ifname . ipv4_addr; }
set macs { type ifname . ether_addr; }
map owners { type ipv4_addr : ether_addr; }
map ports { type ifname : verdict; }
}''')
for script in sys.argv[1:]:
    print(elements.run(script.splitlines()))
for kind, name in (("set", "senders"), ("set", "macs"), ("map", "owners")):
    (listed,) = [item[kind] for item in nft.query(f"list {kind} bridge havip {name}") if kind in item]
    print(json.dumps(listed.get("elem", [])))
"""
_ADD = "add element bridge havip "
_DELETE = "delete element bridge havip "


@pytest.fixture(scope="module")
def host() -> "Iterator[Host]":
    with Lab.open() as lab:
        yield lab.host("guard")


def _run(host: "Host", *scripts: str) -> "Completed":

    done = host.run([sys.executable, "-c", _PROGRAM, *scripts])
    host.run(["nft", "flush", "ruleset"])
    return done


def test_elements_arrive_as_nft_would_have_written_them(host: "Host") -> None:
    done = _run(
        host,
        f'{_ADD}senders {{ "eni-00000000" . 10.0.0.5, "eni-11111111" . 10.0.0.6 }}\n'
        f'{_ADD}macs {{ "eni-00000000" . 02:00:00:00:00:01 }}\n'
        f"{_ADD}owners {{ 10.0.0.5 : 02:00:00:00:00:01 }}",
        f"{_DELETE}owners {{ 10.0.0.5 }}\n{_ADD}owners {{ 10.0.0.5 : 02:00:00:00:00:02 }}\n"
        f'{_DELETE}senders {{ "eni-00000000" . 10.0.0.5 }}',
    )
    assert done.stdout.splitlines() == [
        "True",
        "True",
        '[{"concat": ["eni-11111111", "10.0.0.6"]}]',
        '[{"concat": ["eni-00000000", "02:00:00:00:00:01"]}]',
        '[["10.0.0.5", "02:00:00:00:00:02"]]',
    ], done.stderr


def test_other_commands_are_left_to_libnftables(host: "Host") -> None:
    done = _run(
        host,
        f"{_ADD}owners {{ 10.0.0.5 : 02:00:00:00:00:01 }}\n" + _ADD + 'ports { "eni-00000000" : accept }',
        "flush set bridge havip senders",
    )
    assert done.stdout.splitlines() == ["False", "False", "[]", "[]", "[]"], done.stderr


def test_very_many_elements_are_left_to_libnftables(host: "Host") -> None:
    addresses = ", ".join(f"10.1.{number // 256}.{number % 256} : 02:00:00:00:00:01" for number in range(3000))
    done = _run(host, f"{_ADD}owners {{ {addresses} }}")
    assert done.stdout.splitlines() == ["False", "[]", "[]", "[]"], done.stderr


def test_a_refused_transaction_changes_nothing(host: "Host") -> None:
    done = _run(host, f"{_ADD}owners {{ 10.0.0.5 : 02:00:00:00:00:01 }}\n{_DELETE}owners {{ 10.0.0.6 }}")
    assert done.returncode == 1
    assert "NftError" in done.stderr
    assert "10.0.0.6" in done.stderr
