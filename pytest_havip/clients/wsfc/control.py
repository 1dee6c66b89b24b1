"""Asking a node of this host, over its control socket."""

import json
import socket
from collections.abc import Mapping
from typing import Any

from pytest_havip.clients.wsfc.paths import CONTROL

__all__ = ["NoNode", "ask"]

_ANSWER_BYTES = 1 << 16


class NoNode(RuntimeError):
    """No node of a cluster answers here; the text says what to do."""


def ask(command: Mapping[str, str], *, path: str = CONTROL, timeout: float = 5.0) -> dict[str, Any]:
    """Give a node of this host a command, and return its answer.

    Args:
        command: Its `action` is `status`, `move`, `pause` or `resume`; `node` and `drain` as `Administration` has them.
        path: The node's control socket.
        timeout: Seconds for the answer, which may have to come from another node.

    Raises:
        NoNode: none runs here, or it did not answer in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.settimeout(timeout)
        try:
            asking.connect(path)
            asking.send(json.dumps(command).encode())
            answer: dict[str, Any] = json.loads(asking.recv(_ANSWER_BYTES))
        except TimeoutError as error:
            raise NoNode(f"no answer within {timeout:g} s: the node that it concerns is frozen or cut off") from error
        except (OSError, ValueError) as error:
            raise NoNode(f"no node answers at {path} ({error}): start one on this host, or ask on another") from error
    return answer
