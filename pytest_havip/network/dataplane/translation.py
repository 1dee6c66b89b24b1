"""Elastic IPs in the gateway of a VPC: each stands for one HAVIP towards the world, and nothing else gets out or in."""

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Final

from pytest_havip.network.dataplane.namespace import Namespace
from pytest_havip.network.dataplane.nft import Nft

__all__ = ["Translation"]

_TABLE: Final = "ip world"
# Addresses are exchanged packet by packet, without a memory of connections: whoever owns the HAVIP now is reached by
# the next packet. What names no elastic IP does not pass.
_RULES: Final = """
table {table} {{
    map inward {{ type ipv4_addr : ipv4_addr; }}
    map outward {{ type ipv4_addr : ipv4_addr; }}
    set translated {{ type ipv4_addr; }}
    chain prerouting {{
        type filter hook prerouting priority -300; policy accept;
        iifname != "{port}" ip saddr @translated meta mark set {mark} accept
        iifname != "{port}" accept
        ip daddr set ip daddr map @inward meta mark set {mark} accept
        drop
    }}
    chain postrouting {{
        type filter hook postrouting priority 300; policy accept;
        oifname != "{port}" accept
        ip saddr set ip saddr map @outward accept
        drop
    }}
}}
"""


class Translation:
    """The packet filter of a gateway that has a port to the world.

    Args:
        namespace: the gateway's.
        port: the name of that port.
        mark: what packets get that go out by it, or came in.

    Raises:
        NftError: the kernel refused.
    """

    __slots__ = ("_mark", "_nft", "_port")

    def __init__(self, namespace: Namespace, port: str, mark: int) -> None:
        self._nft = Nft(namespace)
        self._port = port
        self._mark = mark

    def set(self, eips: Mapping[IPv4Address, IPv4Address]) -> None:
        """Let these elastic IPs stand for these HAVIPs, and no others, in one transaction.

        Raises:
            NftError: the kernel refused; nothing has changed.
        """
        lines = [f"table {_TABLE}", f"delete table {_TABLE}"]
        lines.append(_RULES.format(table=_TABLE, port=self._port, mark=self._mark))
        if eips:
            inward = ", ".join(f"{eip} : {havip}" for eip, havip in eips.items())
            outward = ", ".join(f"{havip} : {eip}" for eip, havip in eips.items())
            lines.append(f"add element {_TABLE} translated {{ {', '.join(map(str, eips.values()))} }}")
            lines.append(f"add element {_TABLE} inward {{ {inward} }}")
            lines.append(f"add element {_TABLE} outward {{ {outward} }}")
        self._nft.run("\n".join(lines))

    def close(self) -> None:
        """Let go of it; the filter stays as long as the namespace."""
        self._nft.close()
