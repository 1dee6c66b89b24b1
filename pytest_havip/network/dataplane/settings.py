"""Kernel settings of a fresh namespace of ours."""

from pathlib import Path
from typing import Final

from pytest_havip.network.dataplane.namespace import Namespace

__all__ = ["quieten"]

_SETTINGS: Final = Path("/proc/sys/net")
_QUIET: Final = {
    # Otherwise every bridge and port of ours sends router solicitations and listener reports into the subnets.
    "ipv6/conf/default/disable_ipv6": "1",
    # The module is loaded on machines with Docker; it would lead bridged frames through iptables.
    "bridge/bridge-nf-call-iptables": "0",
    "bridge/bridge-nf-call-ip6tables": "0",
    "bridge/bridge-nf-call-arptables": "0",
}


def quieten(namespace: Namespace) -> None:
    """Keep a namespace's interfaces from speaking on their own, and its bridges out of iptables.

    Raises:
        OSError: a setting exists but cannot be written, as when `/proc/sys/net` is mounted read-only.
    """
    with namespace.entered():
        for name, value in _QUIET.items():
            setting = _SETTINGS / name
            try:
                setting.write_text(value)
            except FileNotFoundError:  # the kernel lacks IPv6, or br_netfilter is not loaded
                continue
