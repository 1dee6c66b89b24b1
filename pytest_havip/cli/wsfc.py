"""``havip wsfc``: administers the WSFC-like cluster that this host is a node of."""

import argparse
import json
import sys
import time
from typing import Any

from pytest_havip.clients.wsfc.control import NoNode, ask

__all__ = ["run"]

_POLL = 0.05


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command; return 1 if the cluster refused it, 2 if no node answers here, else 0."""
    try:
        if arguments.action == "status":
            return _status(ask({"action": "status"}, path=arguments.control), as_json=arguments.json)
        return _order(arguments)
    except NoNode as error:
        print(f"havip wsfc: {error}", file=sys.stderr)
        return 2


def _status(status: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(status))
        return 0
    from pytest_havip.reports.table import table  # noqa: PLC0415 (brings in pytest; orders shall be quick)

    nodes = [[name, state, "owner" if name == status["owner"] else ""] for name, state in status["nodes"].items()]
    print("\n".join(table(["node", "state", "role"], [*nodes, ["(witness)", status["witness"], ""]])))
    print(f"\nquorum: {'yes' if status['quorum'] else 'no'} ({status['votes']})")
    print(f"role: {status['role']}, owner {status['owner'] or 'nobody'}, term {status['term']}")
    print(f"on {status['node']}: {', '.join(f'{name} {state}' for name, state in status['addresses'].items())}")
    if status["event"]:
        print(f"last event on {status['node']}: {status['event']}")
    return 0


def _order(arguments: argparse.Namespace) -> int:
    drain = "yes" if arguments.action == "pause" and not arguments.no_drain else ""
    at = time.time_ns()
    answer = ask({"action": arguments.action, "node": arguments.node, "drain": drain}, path=arguments.control)
    if not answer["ok"]:
        print(f"havip wsfc: {answer['text']}", file=sys.stderr)
        return 1
    print(f"{at} {answer['text']}", flush=True)
    if arguments.action != "move" or not arguments.wait:
        return 0
    return _wait_online(arguments)


def _wait_online(arguments: argparse.Namespace) -> int:
    """Wait until the role is online somewhere, on the wanted node if one was named."""
    deadline = time.monotonic() + arguments.wait
    while True:
        status = ask({"action": "status"}, path=arguments.control)
        if status["role"] == "online" and arguments.node in {"", status["owner"]}:
            print(f"{time.time_ns()} the role is online on {status['owner']}")
            return 0
        if time.monotonic() > deadline:
            seen = f"{status['role']} on {status['owner'] or 'nobody'}"
            print(f"havip wsfc: the role is {seen} after {arguments.wait:g} s; {status['event']}", file=sys.stderr)
            return 1
        time.sleep(_POLL)
