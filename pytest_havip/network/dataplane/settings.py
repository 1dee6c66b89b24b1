"""Kernel settings of a fresh namespace of ours; interfaces take them over when they are made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_havip.network.dataplane.namespace import Namespace

__all__ = ["check_sources", "let_route", "quieten"]

_SETTINGS: Final = Path("/proc/sys/net")
_QUIET: Final = {
    # Otherwise every bridge and port of ours sends router solicitations and listener reports into the subnets.
    "ipv6/conf/default/disable_ipv6": "1",
    # The module is loaded on machines with Docker; it would lead bridged frames through iptables.
    "bridge/bridge-nf-call-iptables": "0",
    "bridge/bridge-nf-call-ip6tables": "0",
    "bridge/bridge-nf-call-arptables": "0",
}

_ROUTING: Final = {
    "ipv4/conf/default/forwarding": "1",
    # Redirects are sent if either says so; the first one counts for interfaces that are there already, too.
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    # Any way back will do; the stricter one of the two counts.
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    # A leg answers for its own address only.
    "ipv4/conf/default/arp_ignore": "1",
}


def quieten(namespace: Namespace) -> None:
    """Keep a namespace's interfaces from speaking on their own, and its bridges out of iptables.

    Raises:
        OSError: a setting exists but cannot be written, as when `/proc/sys/net` is mounted read-only.
    """
    _write(namespace, _QUIET)


def let_route(namespace: Namespace) -> None:
    """Let the interfaces that a namespace will get route between each other.

    Raises:
        OSError: as `quieten`.
    """
    _write(namespace, _ROUTING)


def check_sources(namespace: Namespace, interface: str) -> None:
    """Let nothing in by an interface whose sender stands behind another one, as routes for packets with its mark say.

    Raises:
        OSError: as `quieten`.
    """
    _write(namespace, {f"ipv4/conf/{interface}/{name}": "1" for name in ("src_valid_mark", "rp_filter")})


def _write(namespace: Namespace, settings: Mapping[str, str]) -> None:
    with namespace.entered():
        for name, value in settings.items():
            try:
                (_SETTINGS / name).write_text(value)
            except FileNotFoundError:  # the kernel lacks IPv6, or br_netfilter is not loaded
                continue
