"""``havip events``: who announced what on a network, and what came of it."""

import argparse
import json
import os
import sys
from datetime import datetime
from typing import Any, Final

from pytest_havip.emulator.asking import open_api
from pytest_havip.emulator.calling import CallError, Running
from pytest_havip.targets.base import Refused, TargetError

__all__ = ["run"]

#: Entries in an answer, and seconds until there is one though nothing happened.
_PAGE: Final = 500
_WAIT: Final = 30


def run(arguments: argparse.Namespace) -> int:
    """Print what went on, and with --follow what goes on.

    Returns:
        0 at the end, which with --follow is an interruption or that of the network; 2 if there is no such network.
    """
    try:
        network = Running.find(arguments.network)
    except CallError as error:
        print(f"havip events: {error}", file=sys.stderr)
        return 2
    try:
        _tell(network, follow=arguments.follow, as_json=arguments.json)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (TargetError, Refused) as error:
        if not arguments.follow:
            print(f"havip events: {error}", file=sys.stderr)
            return 2
        print(f"havip events: the network {network.name} has ended", file=sys.stderr)
    return 0


def _tell(network: Running, *, follow: bool, as_json: bool) -> None:
    api, cursor = open_api(network), 0
    try:
        while True:
            wait = _WAIT if follow else 0
            answer = api.call("HavipLabDescribeActivity", After=cursor, Limit=_PAGE, WaitSeconds=wait)
            for entry in answer["ActivitySet"]:
                named = {**entry, "Host": _host(network, entry, ""), "OldHost": _host(network, entry, "Old")}
                print(json.dumps(named) if as_json else _line(named), flush=True)
            if not answer["ActivitySet"] and not follow:
                return
            cursor = answer["Last"]
    finally:
        api.close()


def _host(network: Running, entry: dict[str, Any], which: str) -> str:
    """Name the host of a NIC, the NIC itself if it is of no host that the network was brought up with."""
    nic: str = entry[f"{which}NetworkInterfaceId"]
    return network.host_of.get(nic, nic)


def _line(entry: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(entry["Time"]).astimezone().strftime("%H:%M:%S.%f")
    kind, host, old, reason = entry["Kind"].lower(), entry["Host"], entry["OldHost"], entry["Reason"]
    match entry["Kind"]:
        case "BOUND":
            said = f"bound to {host}: {reason}"
        case "MOVED":
            said = f"moved from {old} to {host}: {reason}"
        case "UNBOUND":
            said = f"unbound from {old}: {reason}"
        case "REFRESHED":
            said = f"refreshed by {host}"
        case "LOST":
            said = f"announcements lost{host and f' of {host}'}: {reason}"
        case _:
            frames = "1 frame" if entry["Frames"] == 1 else f"{entry['Frames']} frames"
            said = f"{kind}, {frames} of {host}: {reason}"
    return f"{at}  {entry['Address']:<15}  {said}"
