"""Reading the command line of ``havip`` and choosing what to do."""

import argparse
from collections.abc import Sequence
from importlib import import_module

from pytest_havip import __version__
from pytest_havip.clients.wsfc.paths import CONTROL
from pytest_havip.emulator.names import NETWORK

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``havip`` and return its exit code.

    Args:
        arguments: The words after ``havip``; those of this process when left out.
    """
    parsed = _parser().parse_args(arguments)
    # Each command's module is imported only when it is asked for.
    code: int = import_module(f"pytest_havip.cli.{parsed.command}").run(parsed)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="havip",
        description="Floating private IPs (HAVIP): check this machine, read the requirements, judge histories. "
        "The tests themselves run by `pytest --havip`.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-havip {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "doctor", help="check what this machine has and lacks; exit code 1 if something needed is missing"
    )
    listing = commands.add_parser("list", help="list the requirements")
    listing.add_argument("--area", help="only this area, such as BIND")
    listing.add_argument("--level", help="only this level: MUST, SHOULD or MAY")
    explain = commands.add_parser("explain", help="show one requirement, where it comes from and which tests prove it")
    explain.add_argument("id", help="such as HAVIP-BIND-001")
    check = commands.add_parser(
        "check", help="judge a recorded history; exit code 1 if a checker fails or cannot tell, 2 if it is no history"
    )
    check.add_argument("history", help="a file of JSON lines, as a run has recorded it")
    check.add_argument("--checker", action="append", help="only this one, such as register; may be given several times")
    replay = commands.add_parser("replay", help="play a trace's story; exit code 1 if the network breaks a requirement")
    replay.add_argument("trace", help="a file that a failing test left behind, such as trace.json")
    replay.add_argument(
        "--target",
        default="reference",
        help="the network, as --havip-target spells it, or core: the bundled rules alone",
    )
    replay.add_argument("--pytest", metavar="FILE", help="play nothing; write the story as a test into this file")
    _add_serve(commands)
    _add_wsfc(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = commands.add_parser("serve", help="run the reference network with hosts in it, to develop against")
    serve.add_argument("topology", nargs="?", metavar="TOPOLOGY.toml", help="what to bring up; left out: three hosts")
    serve.add_argument("--network", default=NETWORK or "default", metavar="NAME", help="how to call it (%(default)s)")
    serve.add_argument("--port", type=int, default=0, help="of the API on 127.0.0.1; left out: any that is free")
    serve.add_argument("--log", metavar="FILE", help="append the service's log to it, JSON lines")
    ps = commands.add_parser("ps", help="show the networks that run, with endpoint, credentials, hosts and HAVIPs")
    ps.add_argument("--export", action="store_true", help="as lines for a shell, with the names that tccli reads")
    ps.add_argument("--json", action="store_true", help="as one line of JSON for each network")
    enter = commands.add_parser("exec", help="run a command on a host of a network, a shell when left out")
    enter.add_argument("host", metavar="HOST")
    enter.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="and its arguments")
    events = commands.add_parser("events", help="tell who announced what, and what came of it")
    events.add_argument("--follow", "-f", action="store_true", help="go on until interrupted")
    events.add_argument("--json", action="store_true", help="as JSON lines")
    stop = commands.add_parser("stop", help="end a network; everything in it goes with it")
    for command in (ps, enter, events, stop):
        command.add_argument("--network", default=NETWORK, metavar="NAME", help="which one; left out: the only one")


def _add_wsfc(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    wsfc = commands.add_parser("wsfc", help="administer the WSFC-like cluster that this host is a node of")
    wsfc.add_argument("--control", default=CONTROL, metavar="PATH", help="the node's control socket (%(default)s)")
    actions = wsfc.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="show nodes, votes, and where the role is")
    status.add_argument("--json", action="store_true", help="as one line of JSON")
    move = actions.add_parser("move", help="move the role to a node, the best other one when left out")
    pause = actions.add_parser("pause", help="let a node, this one when left out, own nothing new")
    resume = actions.add_parser("resume", help="end a pause")
    for action in (move, pause, resume):
        action.add_argument("node", nargs="?", default="", metavar="NODE")
    move.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="until the role must be online (%(default)s; 0: no wait)",
    )
    pause.add_argument("--no-drain", action="store_true", help="leave the role where it is")
