"""Reading the command line of ``havip`` and choosing what to do."""

import argparse
from collections.abc import Sequence
from importlib import import_module

from pytest_havip import __version__
from pytest_havip.clients.wsfc.paths import CONTROL

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
    _add_wsfc(commands)
    return parser


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
