"""``havip ps``: the networks that run on this machine, their hosts and their HAVIPs."""

import argparse
import json
import sys
from dataclasses import asdict

from pytest_havip.emulator.asking import havips
from pytest_havip.emulator.calling import CallError, Running, running
from pytest_havip.emulator.names import NETWORK
from pytest_havip.targets.base import Refused, TargetError

__all__ = ["run", "show"]


def run(arguments: argparse.Namespace) -> int:
    """Print what runs; return 1 if a network does not answer, 2 if there is none of that name, else 0."""
    # One that is named must be there, and a shell can have one only.
    names = [arguments.network] if arguments.network is not None or arguments.export else running()
    if not names and not arguments.json:
        print("no network runs here; start one by `havip serve`")
    try:
        for number, name in enumerate(names):
            network = Running.find(name)
            if arguments.export:
                _export(network)
            elif arguments.json:
                print(json.dumps({**asdict(network), "havips": havips(network)}))
            else:
                print(end="\n" if number else "")
                show(network)
    except CallError as error:
        print(f"havip ps: {error}", file=sys.stderr)
        return 2
    except (TargetError, Refused) as error:
        print(f"havip ps: {error}", file=sys.stderr)
        return 1
    return 0


def show(network: Running) -> None:
    """Print all that somebody needs who wants to use a network."""
    choice = "" if network.name in {"default", NETWORK} else f" --network {network.name}"
    print(f"network {network.name}, process {network.process}")
    print(f"  endpoint  http://{network.endpoint}, region {network.region}, service vpc, version 2017-03-12")
    print(f"  SecretId  {network.secret_id}")
    print(f"  SecretKey {network.secret_key}")
    print(f'  in a shell: eval "$(havip ps --export{choice})"')
    if network.hosts:
        print(f"  on a host: havip exec{choice} {next(iter(network.hosts))}")
    print(f"  live: havip events{choice} --follow")
    rows = [
        [host, nic["interface"], nic["address"], nic["mac"], nic["id"], nic["subnet"]]
        for host, nics in network.hosts.items()
        for nic in nics
    ]
    _print_table(["host", "interface", "address", "MAC", "NIC", "subnet"], rows)
    rows = [
        [each["address"], each["owner"] or "nobody", each["name"], each["id"], each["subnet"]]
        for each in havips(network)
    ]
    _print_table(["HAVIP", "owner", "name", "id", "subnet"], rows)


def _print_table(header: list[str], rows: list[list[str]]) -> None:
    from pytest_havip.reports.table import table  # noqa: PLC0415 (brings in pytest; the other commands are quick)

    if rows:
        print("\n" + "\n".join(f"  {line}" for line in table(header, rows)))


def _export(network: Running) -> None:
    """Print lines for a shell; the names are those that Tencent's clients read."""
    variables = {
        "TENCENTCLOUD_SECRET_ID": network.secret_id,
        "TENCENTCLOUD_SECRET_KEY": network.secret_key,
        "TENCENTCLOUD_REGION": network.region,
        "HAVIP_ENDPOINT": f"http://{network.endpoint}",
    }
    for name, value in variables.items():
        print(f"export {name}={value}")
