"""Whether who stands behind a tap or a lent device holds an address: nobody but it can be asked, so it is, by ARP."""

from ipaddress import IPv4Address

from pytest_havip.clients.base import Node
from pytest_havip.lab import Frame, NotSeen

__all__ = ["BRIDGE", "holds_behind"]

#: Seconds that an answer may take.
_PATIENCE = 0.2
#: The node's bridge between its NIC and who stands behind.
BRIDGE = "br0"
_BROADCAST, _ARP, _REPLY = b"\xff" * 6, b"\x08\x06", b"\x00\x02"
_HEADER = bytes.fromhex("00010800060400")
_NOBODY = bytes(4)
_ETHERTYPE, _OPERATION, _SENDER_IP = slice(12, 14), slice(20, 22), slice(28, 32)


def holds_behind(node: Node, address: IPv4Address) -> bool:
    """Ask a node's client, and nobody else, by an ARP probe (RFC 5227) whether it holds an address.

    Args:
        node: The node; the question leaves it by the first NIC that its client has.
        address: The address.
    """
    port = node.host.port(node.nics[0].interface)
    # Who is answered is the bridge itself, so the answer goes no farther and the network never sees it.
    asker = bytes.fromhex(node.host.mac(BRIDGE).replace(":", ""))

    def answers(frame: Frame) -> bool:
        data = frame.data
        return (
            not frame.outgoing
            and data[_ETHERTYPE] == _ARP
            and data[_OPERATION] == _REPLY
            and data[_SENDER_IP] == address.packed
        )

    probe = _BROADCAST + asker + _ARP + _HEADER + b"\x01" + asker + _NOBODY + bytes(6) + address.packed
    since = port.send(probe)
    try:
        port.capture.wait(answers, timeout=_PATIENCE, since=since)
    except NotSeen:
        return False
    return True
