"""The keeper: holds what a service has in the kernel while there is no service. Started by `keeper.py`, as a file.

A namespace and what is inside, a socket and the frames that wait in it, live as long as somebody holds a descriptor.
The keeper reads none of them: the kernel goes on filling the sockets, in order, and the next service reads on.

It imports little and does little, so that nothing in it ends before its time.
"""

import json
import os
import resource
import select
import socket
import sys

__all__ = ["main"]

_ORDER_BYTES = 4096
_DESCRIPTORS = 16


def main(descriptor: int) -> None:
    """Keep descriptors until a service says that nothing is to be kept.

    Args:
        descriptor: of the listening `SOCK_SEQPACKET` socket on which services call, one at a time.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.socket(fileno=descriptor)
    kept: dict[str, list[int]] = {}
    caller: socket.socket | None = None
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        ready = {number for number, _ in poll.poll()}
        if caller is not None and caller.fileno() in ready:
            order = _receive(caller, kept)
            if order == "end":
                return
            if order is None:
                poll.unregister(caller)
                caller.close()
                caller = None
        elif caller is None:
            caller = _greet(listener.accept()[0], kept)
            if caller is not None:
                poll.register(caller, select.POLLIN)
        else:  # the other one is alive, or its end would have been ready, too
            refused, _ = listener.accept()
            refused.close()


def _greet(caller: socket.socket, kept: dict[str, list[int]]) -> socket.socket | None:
    """Hand over what is kept, then a message without a name."""
    try:
        for name, descriptors in kept.items():
            socket.send_fds(caller, [json.dumps({"name": name}).encode()], descriptors)
        caller.send(b"{}")
    except OSError:  # it has ended already
        caller.close()
        return None
    return caller


def _receive(caller: socket.socket, kept: dict[str, list[int]]) -> str | None:
    """Carry out an order and return its name, `None` when the caller has gone."""
    try:
        text, descriptors, _flags, _sender = socket.recv_fds(caller, _ORDER_BYTES, _DESCRIPTORS)
    except OSError:
        return None
    if not text:
        return None
    order = json.loads(text)
    if order["do"] == "keep":
        kept[order["name"]] = descriptors
    elif order["do"] == "forget":
        for descriptor in kept.pop(order["name"], ()):
            os.close(descriptor)
    return str(order["do"])


if __name__ == "__main__":
    main(int(sys.argv[1]))
